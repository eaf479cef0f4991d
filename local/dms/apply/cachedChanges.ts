import type { Transaction } from "../capture/transactions";
import type { GroupOptions } from "../context";
import type { Applier } from "./applier";

/**
 * What was captured while tables were loading goes to them table by table, before transactions as such begin: DMS caches
 * changes for each table. Those of all other tables follow in commit order.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Introduction.HighLevelView.html
 */
export async function applyTableByTable(
    cached: readonly Transaction[],
    applier: Applier,
    options: GroupOptions,
): Promise<void> {
    const { overlaps } = applier;
    const passes = [...overlaps.keys()].map((one) => (name: string) => name === one);
    for (const isWanted of [...passes, (name: string) => !overlaps.has(name)]) {
        for (const transaction of cached) {
            await applier.apply(transaction, options, isWanted);
        }
        await applier.commit(options);
    }
}
