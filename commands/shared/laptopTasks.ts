import { taskFolder, taskIds } from "../../local/aws/tasks";
import { taskStatus } from "../../local/dms/control";
import { laptopGroup, localStackDir } from "./localStack";

/**
 * Why the laptop stack's task for a group of tables carries nothing any more, as the end of a sentence; undefined while it
 * runs, starts or connects again, and where there is none.
 */
export async function laptopTaskFailure(group: string): Promise<string | undefined> {
    const stackDir = localStackDir();
    const id = (await taskIds(stackDir)).find((one) => laptopGroup(one) === group);
    const status = id === undefined ? undefined : taskStatus(taskFolder(stackDir, id));
    if (status?.state === "stopped") {
        return `the task ${status.taskIdentifier} is stopped: "npm start" resumes it`;
    }
    if (status?.state !== "failed") {
        return undefined;
    }
    const reason = (status.error ?? "no reason is known").replace(/\.$/, "");
    return `the task ${status.taskIdentifier} has failed (${reason}): mend that, then run "npm start"`;
}
