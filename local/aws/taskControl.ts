import { dropTaskSlot, startTask, stopTask, taskStatus } from "../dms/control";

/** How replication tasks are run. Each function takes the task's folder. */
export interface TaskControl {
    /** Starts or resumes the task's process and waits until it replicates; rejects with its error. */
    readonly startTask: (taskDir: string) => Promise<void>;
    /** Ends the task's process; does nothing when it does not run. */
    readonly stopTask: (taskDir: string) => Promise<void>;
    /** Drops the task's replication slot at the source, as DMS does when a task is deleted. */
    readonly dropTaskSlot: (taskDir: string) => Promise<void>;
    readonly isTaskRunning: (taskDir: string) => boolean;
}

/** The replicator of this project. */
export const replicator: TaskControl = {
    startTask,
    stopTask,
    dropTaskSlot,
    isTaskRunning: (taskDir) => {
        const state = taskStatus(taskDir)?.state;
        return state !== undefined && state !== "failed" && state !== "stopped";
    },
};
