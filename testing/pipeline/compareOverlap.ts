import assert from "node:assert/strict";
import { type LogRow, logRow, sorted, TableOracle } from "./oracle";
import type { Pipeline } from "./pipeline";
import type { Commit } from "./session";
import type { RandomTable } from "./tables";
import { fold, readLog, readRemarks } from "./trailReader";

/** What a log says of changes that the load may have read already and whose old image may be an invention of that. */
const REMARK = "overlaps baseline";

/** Numbers of commits: before the tables' capture began, and before they were read. */
export interface LoadSpan {
    readonly captured: number;
    readonly read: number;
}

/**
 * The baseline is the state that was read. Each later change is in the log once, exactly. Of what lies between, the log
 * has nothing that did not happen, and says so where its old image is not the true one.
 */
export async function compareOverlap(
    pipeline: Pipeline,
    tables: readonly RandomTable[],
    commits: readonly Commit[],
    { captured, read }: LoadSpan,
): Promise<void> {
    const audit = await pipeline.auditSession();
    await audit.query("SET timezone = 'UTC'");
    const between = new Set(commits.slice(captured, read).map(({ at }) => at));
    for (const [at, table] of tables.entries()) {
        const title = `${table.schema}.${table.table}`;
        const oracle = new TableOracle(at, new Map(), commits);
        const log = await readLog(audit, table);
        const remarks = await readRemarks(audit, table);
        const baseline = log.filter(({ operation }) => operation === "B");
        assert.deepEqual(
            log.slice(0, baseline.length),
            baseline,
            `${title}: the baseline is first`,
        );
        assert.deepEqual(sorted(fold(baseline)), sorted(oracle.states[read]), `${title}: baseline`);
        const changes = log
            .map((row, index) => ({ row: logRow(row), remarks: remarks[index] ?? [] }))
            .slice(baseline.length);
        const later = changes.filter(({ row }) => !between.has(row.at)).map(({ row }) => row);
        assert.deepEqual(oracle.normalised(later, read), oracle.logAfter(read), `${title}: log`);
        const possible = oracle.logBetween(captured, read);
        for (const change of changes.filter(({ row }) => between.has(row.at))) {
            const truth = takeSame(possible, change.row);
            assert.ok(truth !== undefined, `${title}: never happened: ${JSON.stringify(change)}`);
            const { before, after } = change.row;
            if (truth.before !== before || truth.after !== after) {
                assert.ok(
                    change.remarks.includes(REMARK),
                    `${title}: invented and not marked: ${JSON.stringify(change)}`,
                );
            }
        }
    }
}

/**
 * Takes the change that a row tells of: by its new image if there is one, because a large value that the change left alone
 * is the loaded one.
 */
function takeSame(possible: LogRow[], row: LogRow): LogRow | undefined {
    const isOne = (one: LogRow): boolean =>
        one.operation === row.operation && one.row === row.row && one.at === row.at;
    const exact = possible.findIndex((one) => isOne(one) && one.after === row.after);
    const at = exact === -1 ? possible.findIndex(isOne) : exact;
    return at === -1 ? undefined : possible.splice(at, 1)[0];
}
