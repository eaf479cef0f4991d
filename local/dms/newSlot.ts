import { clientConfig, disconnect } from "./connection";
import type { TaskContext } from "./context";
import { StopRequested, TaskError } from "./errors";
import { type CreatedSlot, createSlot } from "./slot";
import { replicationClient } from "./stream";

/**
 * Creates a slot once the transactions that are open now have ended, and keeps its snapshot usable while `use` runs.
 *
 * @param kind a temporary slot goes when `use` is done
 */
export async function withNewSlot<T>(
    context: TaskContext,
    slot: string,
    kind: "lasting" | "temporary",
    use: (created: CreatedSlot) => Promise<T>,
): Promise<T> {
    const { task, signal } = context;
    const config = clientConfig(task.source, task.identifier);
    const replication = await replicationClient(config, () => undefined);
    const seconds = task.settings.FullLoadSettings.TransactionConsistencyTimeout;
    const interrupt = (): void => {
        replication.connection.stream.destroy();
    };
    const late = new AbortController();
    const timer = setTimeout(() => {
        late.abort();
        interrupt();
    }, seconds * 1000);
    signal.addEventListener("abort", interrupt);
    try {
        const created = await createSlot(replication, slot, kind);
        clearTimeout(timer);
        return await use(created);
    } catch (error) {
        if (signal.aborted) {
            throw new StopRequested();
        }
        if (late.signal.aborted) {
            throw new TaskError(
                `Transactions stayed open on the source for ${seconds} seconds (TransactionConsistencyTimeout): ` +
                    "end them and start the task again.",
                { cause: error },
            );
        }
        throw error;
    } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupt);
        await disconnect(replication);
    }
}
