import { taskStatus } from "../../local/dms/control";
import { printable } from "../../text/terminalLines";

const LOOK_EVERY_MS = 1_000;

/**
 * Shows what replication tasks wait for, as their status files have it, each sentence once.
 *
 * @param folders the folders of the tasks that there are by now
 * @returns ends the looking
 */
export function watchTasks(
    folders: () => Promise<readonly string[]>,
    show: (line: string) => void,
): () => void {
    const shown = new Set<string>();
    let hasEnded = false;
    const look = async (): Promise<void> => {
        for (const folder of await folders()) {
            const status = taskStatus(folder);
            // A task that lost a server connects again without anybody's help, often before a reader could act.
            const reason = status?.state === "starting" ? status.error : undefined;
            if (reason !== undefined && !shown.has(reason) && !hasEnded) {
                shown.add(reason);
                show(`The replication task: ${printable(reason)}`);
            }
        }
    };
    const timer = setInterval(() => {
        // A task that is being removed has no folder in the middle of it.
        look().catch(() => undefined);
    }, LOOK_EVERY_MS);
    return () => {
        hasEnded = true;
        clearInterval(timer);
    };
}
