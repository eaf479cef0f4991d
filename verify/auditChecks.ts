import { qualified, renderSql } from "../database/sqlTemplate";
import { dmsSessionLook } from "../trail/dmsSession";
import { isReserved, RESERVED_PREFIX } from "../trail/headerColumns";
import { trailNames } from "../trail/names";
import { roles, schemas } from "../trail/rolesAndSchemas";
import type { TableDefinition } from "../trail/tableDefinition";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import type { Check } from "./report";
import { checkScripts, rolePowersScript, writeGrantsScript } from "./tableScripts";

/** The gaps of one kind that touch a table. */
export interface GapSummary {
    readonly kind: string;
    readonly count: string;
    /** Those that somebody has explained. */
    readonly acknowledged: string;
    /** The gaps that count: nobody has explained them, and they were recorded after the time at which counting begins. */
    readonly open: string;
    /** When the last one was recorded, ISO 8601. */
    readonly last: string;
    /** The last of those that count. */
    readonly open_ids: readonly string[];
    /** Whether the log may lack a change; otherwise it lost nothing, as when a task goes on from its slot. */
    readonly hides_changes: boolean;
}

/** The gaps that the ledger has for a table; a kind that hides changes fails. */
export async function checkGaps(
    audit: Database,
    definition: TableDefinition,
    since: string | undefined,
): Promise<Check> {
    return judgeGaps(await audit.rows<GapSummary>(checkScripts(definition).gaps, [since]));
}

/** What to do about a gap, where more can be done than to explain it. */
const MENDS: Readonly<Record<string, string>> = {
    "not audited": "reload the table, docs/tables.md",
    "other table under this name": "reload the table, docs/tables.md",
};

/** See {@link checkGaps}. */
export function judgeGaps(gaps: readonly GapSummary[]): Check {
    const told = gaps.map(({ kind, count, last }) => `${count} x ${kind}, the last at ${last}`);
    const findings = gaps
        .filter(({ open, hides_changes }) => open !== "0" && hides_changes)
        .map(({ kind, open, last, open_ids }) => {
            const more = Number(open) > open_ids.length ? ", ..." : "";
            const mend = MENDS[kind] === undefined ? "" : `: ${MENDS[kind]}`;
            return `${open} x ${kind}, the last at ${last} (gap ${open_ids.join(", ")}${more})${mend}`;
        });
    const detail = told.join("; ") || NO_GAPS;
    return findings.length === 0
        ? { name: "gaps", ok: true, detail }
        : { name: "gaps", ok: false, detail, findings };
}

/** What a table without any gap says. */
export const NO_GAPS = "none recorded";

/** Whether DMS writes every column that the source's table has now into staging. */
export async function checkColumns(
    audit: Database,
    definition: TableDefinition,
    stagingColumns: readonly string[],
): Promise<Check> {
    const { columns, excluded = [] } = definition;
    const kept = excluded
        .filter(({ name }) => stagingColumns.includes(name))
        .map(({ name }) => `staging still has the excluded column ${name}: deploy again`);
    const missing = columns
        .filter(({ name }) => !stagingColumns.includes(name) && !isReserved(name))
        .map(({ name }) => `staging has no column ${name}: deploy, which also resumes the task`);
    const reserved = columns
        .filter(({ name }) => isReserved(name))
        .map(
            ({ name }) =>
                `the source's column ${name} begins with ${RESERVED_PREFIX}, as the trail's own do: rename it, without which no deployment takes the table`,
        );
    const late = (await audit.rows<{ name: string }>(checkScripts(definition).lateColumns)).map(
        ({ name }) =>
            `staging got the column ${name} after the DMS task had connected: stop and resume the task`,
    );
    return checkOf("columns", [...reserved, ...missing, ...kept, ...late], "those of the source");
}

/** Whether the registry says of a table only what a deployment has entered, and the log has all its partitions. */
export async function checkRegistry(audit: Database, definition: TableDefinition): Promise<Check> {
    const script = checkScripts(definition).registry;
    const findings = (await audit.rows<{ finding: string }>(script)).map(({ finding }) => finding);
    return checkOf("registry", findings, "as the deployments entered it");
}

/** Changes that arrived and could not be logged. */
export async function checkUnlogged(
    audit: Database,
    definition: TableDefinition,
    since: string | undefined,
): Promise<Check> {
    const script = checkScripts(definition).unlogged;
    const { count, message } = await audit.row<{ count: string; message: string | null }>(script, [
        since,
    ]);
    const findings = count === "0" ? [] : [`${count}, for example: ${message ?? ""}`];
    return checkOf("unlogged changes", findings, "none");
}

/** Who may write the log besides its owner, who may read it as DMS, and whose its schema is. */
export async function checkGrants(audit: Database, definition: TableDefinition): Promise<Check> {
    const log = qualified(definition.schema, trailNames(definition).auditLog);
    return judgeGrants(await audit.rows<{ finding: string }>(writeGrantsScript(), [[log]]));
}

/** As {@link checkGrants}, for the ledgers; and who may act as the owner, or needs no right to rewrite what is the owner's. */
export async function checkLedgerGrants(audit: Database): Promise<Check> {
    const ledgers = [
        ...["acknowledgement", "audited_column", "audited_table", "brought_back", "gap"],
        ...["log_count", "slot_observation", "unlogged_change"],
    ].map((name) => qualified(schemas.trail, name));
    const found = [
        ...(await audit.rows<{ finding: string }>(writeGrantsScript(), [ledgers])),
        ...(await audit.rows<{ finding: string }>(
            renderSql("sql/verify/owner_members.sql", { owner: roles.owner }),
        )),
        ...(await audit.rows<{ finding: string }>(rolePowersScript())),
    ];
    return judgeGrants(found);
}

function judgeGrants(found: readonly { readonly finding: string }[]): Check {
    const findings = [...new Set(found.map(({ finding }) => finding))];
    return checkOf("grants", findings, "only the owner can write");
}

/** Whether the tables in which DMS reports what it did not apply are as DMS makes them, and DMS can write them. */
export async function checkControlTables(audit: Database): Promise<Check> {
    const found = await audit.rows<{ finding: string }>(
        renderSql("sql/verify/control_tables.sql", { dms: roles.target }),
    );
    const findings = found.map(({ finding }) => finding);
    return checkOf("DMS control tables", findings, "as DMS makes them");
}

/** Whether DMS's sessions find the settings that their text and their life depend on; see `trail/dmsSession.ts`. */
export async function checkDmsSessions(source: Database, audit: Database): Promise<Check> {
    const found = [
        ...(await source.rows<{ finding: string }>(dmsSessionLook(roles.source))),
        ...(await audit.rows<{ finding: string }>(dmsSessionLook(roles.target))),
    ];
    const findings = found.map(({ finding }) => finding);
    const mend = findings.length === 0 ? [] : ["deploy again, which gives them back"];
    return checkOf("DMS sessions", [...findings, ...mend], "as DMS needs them");
}
