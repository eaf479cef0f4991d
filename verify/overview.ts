import { renderSql } from "../database/sqlTemplate";
import type { Database } from "./database";
import { readTaskSlots } from "./slotChecks";

/** What the databases say of the trail without being compared; verify proves more. */
export interface Overview {
    /** Of the task's slots: bytes of WAL between what the task has confirmed and now; null where PostgreSQL does not say. */
    readonly slots: readonly { readonly slot: string; readonly lagBytes: number | null }[];
    readonly tables: number;
    /** Groups of tables, each with a task and a slot. */
    readonly groups: number;
    /** Rows of the gap ledger that hide changes and that nobody has acknowledged. */
    readonly openGaps: number;
    readonly unloggedChanges: number;
    /** Those of them that are in their log by now. */
    readonly broughtBack: number;
    /** When verify committed its last marker, ISO 8601; null before the first one. */
    readonly lastVerifyMarker: string | null;
}

/** Reads the overview; undefined before a deployment has come as far as the trail. */
export async function readOverview(
    source: Database,
    audit: Database,
): Promise<Overview | undefined> {
    const { is_deployed: isDeployed } = await audit.row<{ is_deployed: boolean }>(
        renderSql("sql/status/is_deployed.sql"),
    );
    if (!isDeployed) {
        return undefined;
    }
    const trail = await audit.row<{
        tables: number;
        groups: number;
        open_gaps: number;
        unlogged_changes: number;
        brought_back: number;
    }>(renderSql("sql/status/trail.sql"));
    const { slots } = await readTaskSlots(source, audit, trail.groups);
    const [last] = await source.rows<{ at: string }>(renderSql("sql/status/last_verify.sql"));
    return {
        slots: slots.map(({ slot_name, lag_bytes }) => ({
            slot: slot_name,
            lagBytes: lag_bytes === null ? null : Number(lag_bytes),
        })),
        tables: trail.tables,
        groups: trail.groups,
        openGaps: trail.open_gaps,
        unloggedChanges: trail.unlogged_changes,
        broughtBack: trail.brought_back,
        lastVerifyMarker: last?.at ?? null,
    };
}

/** An overview for a person. */
export function overviewLines(overview: Overview): string[] {
    const { slots, tables, groups, openGaps, unloggedChanges, broughtBack, lastVerifyMarker } =
        overview;
    const back = broughtBack === 0 ? "" : `, ${broughtBack} of them brought back`;
    return [
        ...(slots.length === 0 ? ["no replication slot of the task"] : []),
        ...slots.map(({ lagBytes, slot }) => `${lagBytes ?? "?"} bytes behind: ${slot}`),
        `audited tables: ${tables}${groups === 1 ? "" : ` in ${groups} groups`}`,
        `gaps that hide changes and are not acknowledged: ${openGaps}`,
        `changes that could not be logged: ${unloggedChanges}${back}`,
        lastVerifyMarker === null
            ? "verify has not run yet"
            : `verify last set a marker at ${lastVerifyMarker} (its verdict is not kept)`,
    ];
}
