import { replicator } from "../../local/aws/taskControl";
import { taskFolder, taskIds } from "../../local/aws/tasks";
import { isRdsServerRunning } from "../../local/servers/rds";
import { rdsIdentifiers } from "../../local/servers/rdsFiles";
import { localStackDir } from "./localStack";

function counted(count: number, noun: string): readonly string[] {
    return count === 0 ? [] : [`${String(count)} ${noun}${count === 1 ? "" : "s"}`];
}

/** Whether every server that the laptop stack has runs. */
export async function allServersRun(): Promise<boolean> {
    const stackDir = localStackDir();
    const identifiers = await rdsIdentifiers(stackDir);
    const running = await Promise.all(identifiers.map((id) => isRdsServerRunning(stackDir, id)));
    return running.every((runs) => runs);
}

/** @returns a sentence about the processes of the laptop stack that run; empty when none does. */
export async function whatGoesOn(): Promise<string> {
    const stackDir = localStackDir();
    const servers = await Promise.all(
        (await rdsIdentifiers(stackDir)).map((id) => isRdsServerRunning(stackDir, id)),
    );
    const tasks = (await taskIds(stackDir)).filter((id) =>
        replicator.isTaskRunning(taskFolder(stackDir, id)),
    );
    const parts = [
        ...counted(servers.filter((runs) => runs).length, "PostgreSQL server"),
        ...counted(tasks.length, "DMS task"),
    ];
    const isOne = servers.filter((runs) => runs).length + tasks.length === 1;
    return parts.length === 0
        ? ""
        : `${parts.join(" and ")} ${isOne ? "goes" : "go"} on running until "npm stop".`;
}
