import { renderSql } from "../database/sqlTemplate";
import { trailNames } from "../trail/names";
import { DEFAULT_GROUP, markerOf } from "../trail/tableGroups";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import type { Markers } from "./markers";
import type { Check } from "./report";

/** A marker as the source has it. */
interface SourceMarker {
    readonly id: string;
    /** ISO 8601 as PostgreSQL writes it. */
    readonly created_at: string;
}

/** Markers that follow each other at the source and are in no log. */
interface Hole {
    readonly first: string;
    readonly last: string;
    readonly markers: number;
    /** When the marker before them was made that is in the log; null where there is none. */
    readonly from: string | null;
    /** When the next marker was made that is in the log, or the last of these. */
    readonly to: string;
}

/**
 * Whether every marker that the source has ever committed is in the trail, once for each group. All tables of a group come by
 * one stream: where a marker is missing, so may be what was committed about then, also of rows that were changed again
 * since. So it is after the audit database was set back to an earlier state, or the slot was moved on.
 *
 * What is missing is entered into the gap ledger, once.
 */
export async function checkMarkers(
    source: Database,
    audit: Database,
    groups: readonly Markers[],
): Promise<Check> {
    const all = await source.rows<SourceMarker>(renderSql("sql/verify/source_markers.sql"));
    for (const markers of groups) {
        await markers.pass();
    }
    const found: {
        readonly group: string;
        readonly missing: number;
        readonly findings: string[];
    }[] = [];
    for (const { group } of groups) {
        found.push({ group, ...(await checkGroup(audit, group, all)) });
    }
    const fine = found
        .map(({ group, missing }) =>
            group === DEFAULT_GROUP
                ? `${missing} did not arrive`
                : `${missing} did not arrive in the group ${group}`,
        )
        .join(", ");
    const findings = found.flatMap((one) => one.findings);
    return checkOf("markers", findings, `${all.length}, of which ${fine}`);
}

async function checkGroup(
    audit: Database,
    group: string,
    all: readonly SourceMarker[],
): Promise<{ missing: number; findings: string[] }> {
    const { table } = markerOf(group);
    const { auditLog } = trailNames(markerOf(group));
    const missing = await audit.rows<{ id: string }>(
        renderSql("sql/verify/missing_markers.sql", { audit_log: auditLog }),
        [all.map(({ id }) => id), all.map((one) => one.created_at)],
    );
    const holes = holesOf(all, new Set(missing.map(({ id }) => id)));
    for (const { from, to, ...detail } of holes) {
        const script = renderSql("sql/verify/record_missing_markers.sql");
        const told = group === DEFAULT_GROUP ? detail : { ...detail, group };
        await audit.rows(script, [from, to, JSON.stringify(told)]);
    }
    const untold = await audit.rows<{ id: string; kind: string }>(
        renderSql("sql/verify/untold_markers.sql", { audit_log: auditLog, table }),
    );
    const findings = untold.map(
        ({ id, kind }) => `the gap ledger has no entry for the ${kind} of marker ${id}`,
    );
    return { missing: missing.length, findings };
}

/** Joins the markers that are missing in a row, in the order of their numbers. */
function holesOf(all: readonly SourceMarker[], missing: ReadonlySet<string>): Hole[] {
    const holes: Hole[] = [];
    let before: string | null = null;
    let run: SourceMarker[] = [];
    const close = (to: string): void => {
        const [first] = run;
        const last = run.at(-1);
        if (first !== undefined && last !== undefined) {
            holes.push({
                first: first.id,
                last: last.id,
                markers: run.length,
                from: before,
                to,
            });
        }
        run = [];
    };
    for (const marker of all) {
        if (missing.has(marker.id)) {
            run.push(marker);
            continue;
        }
        close(marker.created_at);
        before = marker.created_at;
    }
    close(run.at(-1)?.created_at ?? "");
    return holes;
}
