import type { Client } from "pg";
import { clientConfig, disconnect } from "../connection";
import { TaskError } from "../errors";
import type { LoadTablesContext } from "../load/loadTables";
import { StopRequested } from "../signals";
import { abandonSlot, type CreatedSlot, createSlot } from "./slot";
import { SlotWait } from "./slotWait";
import { replicationClient } from "./stream";

/**
 * Creates a slot once the transactions that are open now have ended, and keeps its snapshot usable while `use` runs. The
 * task's status says meanwhile which of them it waits for.
 *
 * @param kind a temporary slot goes when `use` is done
 */
export async function withNewSlot<T>(
    context: Pick<LoadTablesContext, "task" | "signal" | "source" | "status" | "log">,
    slot: string,
    kind: "lasting" | "temporary",
    use: (created: CreatedSlot) => Promise<T>,
): Promise<T> {
    const { task, signal, source, status, log } = context;
    const config = clientConfig(task.source, task.identifier);
    const replication = await replicationClient(config, () => undefined);
    const seconds = task.settings.FullLoadSettings.TransactionConsistencyTimeout;
    let isMade = false;
    const cut = (): void => {
        replication.connection.stream.destroy();
    };
    const interrupt = (): void => {
        if (isMade) {
            cut();
        } else {
            // A source that is gone makes no slot.
            abandonSlot(source, slot)
                .catch(() => undefined)
                .finally(cut);
        }
    };
    const late = new AbortController();
    const timer = setTimeout(() => {
        late.abort();
        interrupt();
    }, seconds * 1000);
    signal.addEventListener("abort", interrupt);
    let wait: SlotWait | undefined;
    try {
        wait = new SlotWait(source, await backendOf(replication), status, log);
        const created = await createSlot(replication, slot, kind);
        isMade = true;
        wait.end();
        clearTimeout(timer);
        return await use(created);
    } catch (error) {
        if (signal.aborted) {
            throw new StopRequested();
        }
        if (late.signal.aborted) {
            const open = wait?.last === undefined ? "" : `, the last of them ${wait.last}`;
            throw new TaskError(
                `Transactions stayed open on the source for ${seconds} seconds (TransactionConsistencyTimeout)${open}: ` +
                    "end them and start the task again.",
                { cause: error },
            );
        }
        throw error;
    } finally {
        wait?.end();
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupt);
        await disconnect(replication);
    }
}

/** The process at the source that serves a connection. */
async function backendOf(client: Client): Promise<number> {
    const { rows } = await client.query<{ pid: number }>(
        "SELECT pg_catalog.pg_backend_pid() AS pid",
    );
    return rows[0]?.pid ?? 0;
}
