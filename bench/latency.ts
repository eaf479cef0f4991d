import type { Client } from "pg";

/** The value below which the given share of the sorted numbers lies. */
export function percentile(sorted: readonly number[], share: number): number {
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * Commits single-row changes of `public.items` one at a time and measures from the return of COMMIT until the change is
 * seen in the log by another session, in milliseconds, sorted.
 */
export async function commitToLog(source: Client, audit: Client, count: number): Promise<number[]> {
    const latencies: number[] = [];
    await source.query(
        "INSERT INTO public.items VALUES (999999, 'latency', 0) ON CONFLICT DO NOTHING",
    );
    for (let index = 1; index <= count; index += 1) {
        await source.query("UPDATE public.items SET price = $1 WHERE item_id = 999999", [index]);
        const committed = performance.now();
        for (;;) {
            const { rowCount } = await audit.query(
                `SELECT FROM public.items_audit_log
                 WHERE row_key = '{"item_id": 999999}' AND (new_row_data ->> 'price')::numeric = $1
                     AND commit_timestamp > now() - interval '1 minute'`,
                [index],
            );
            if (rowCount) {
                break;
            }
            if (performance.now() - committed > 60_000) {
                throw new Error("A committed change did not reach the log within a minute.");
            }
        }
        latencies.push(performance.now() - committed);
    }
    await source.query("DELETE FROM public.items WHERE item_id = 999999");
    return latencies.sort((a, b) => a - b);
}
