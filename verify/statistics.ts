import { renderSql } from "../database/sqlTemplate";
import type { TableDefinition } from "../trail/tableDefinition";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import type { Found } from "./differences";
import type { Check } from "./report";
import { checkScripts } from "./tableScripts";

/**
 * What PostgreSQL's own statistics say of a log: nothing of the trail deletes from one, so that whoever did has switched
 * the log's trigger off. What was rolled back counts as well. Updates say nothing: the second step of a row with large
 * columns is one.
 */
export async function deletesInLog(audit: Database, definition: TableDefinition): Promise<Found[]> {
    const { deleted, since } = await audit.row<{ deleted: string; since: string | null }>(
        checkScripts(definition).statistics,
    );
    return judgeDeletes(deleted, since);
}

/**
 * See {@link deletesInLog}.
 *
 * @param since when the statistics were reset, so that as many deletes after another reset are another difference
 */
export function judgeDeletes(deleted: string, since: string | null): Found[] {
    return deleted === "0"
        ? []
        : [
              {
                  key: "{}",
                  kind: "deletes in the log",
                  detail: `${deleted}, those that were rolled back included, since ${since ?? "PostgreSQL's statistics began"}`,
                  evidence: `${deleted} ${since ?? ""}`,
              },
          ];
}

/** Whether anybody has changed or deleted rows of a ledger, as PostgreSQL's statistics have it. */
export async function checkLedgerStatistics(audit: Database): Promise<Check> {
    const found = await audit.rows<{ finding: string }>(
        renderSql("sql/verify/ledger_statistics.sql"),
    );
    const findings = found.map(({ finding }) => finding);
    return checkOf("ledgers", findings, "nobody has changed or deleted rows of them");
}

/** A note where the statistics do not go back to the trail's beginning: what happened before is not in them. */
export async function noteStatistics(audit: Database): Promise<Check> {
    const [row] = await audit.rows<{ reset_at: string | null; counts: boolean }>(
        renderSql("sql/verify/statistics_reset.sql"),
    );
    const name = "statistics";
    if (row?.counts === false) {
        const detail =
            "track_counts is off on the audit side: deletes in logs and ledgers are not counted by PostgreSQL";
        return { name, ok: true, detail, note: true };
    }
    if (row?.reset_at) {
        const detail = `somebody reset PostgreSQL's statistics of the audit database at ${row.reset_at}: of deletes before that, only those of rows that verify had counted show`;
        return { name, ok: true, detail, note: true };
    }
    return checkOf(name, [], "never reset since the trail began");
}
