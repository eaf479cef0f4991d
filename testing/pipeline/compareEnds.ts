import assert from "node:assert/strict";
import { disconnect } from "../../local/dms/connection";
import { verifyTrail } from "../../verify/verifyTrail";
import { byText, sorted } from "./oracle";
import type { Pipeline } from "./pipeline";
import type { RandomTable } from "./tables";
import { fold, readComplaints, readLog, readStaging } from "./trailReader";
import { tableState } from "./workload";

/** Kinds of gap that hide no change, and that stops, and lookups of later values, may leave. */
const HARMLESS = ["task stopped", "replay with other values"];

/** Staging and the last images of the log equal the source, nothing complains of a hidden change, and verify says complete. */
export async function compareEnds(
    pipeline: Pipeline,
    tables: readonly RandomTable[],
): Promise<void> {
    const audit = await pipeline.auditSession();
    const source = await pipeline.sourceSession();
    await audit.query("SET timezone = 'UTC'");
    for (const table of tables) {
        const state = await tableState(source, table);
        assert.deepEqual(
            await readStaging(audit, table),
            [...state.values()].sort(byText),
            `staging of ${table.schema}.${table.table}`,
        );
        assert.deepEqual(sorted(fold(await readLog(audit, table))), sorted(state), "the fold");
    }
    const complaints = await readComplaints(audit);
    assert.deepEqual(
        complaints.filter(({ kind }) => !HARMLESS.includes(kind ?? "")),
        [],
    );
    const master = await pipeline.verifySession();
    try {
        const report = await verifyTrail(source, master, pipeline.definitions);
        assert.ok(report.complete, JSON.stringify(report));
    } finally {
        await disconnect(master);
    }
}
