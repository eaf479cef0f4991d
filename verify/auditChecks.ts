import { formatTableName, ROLES, TRAIL_SCHEMA, trailNames } from "../components/trail/names";
import type { TableShape } from "../components/trail/shape";
import { renderSql } from "../components/trail/template";
import { checkOf } from "./checks";
import type { Database } from "./database";
import { qualified } from "./fragments";
import type { Check } from "./report";

/** The gaps of one kind that touch a table. */
export interface GapSummary {
    readonly kind: string;
    readonly count: string;
    /** ISO 8601. */
    readonly last: string;
    /** Whether the last one is not from before the time from which on gaps count. */
    readonly is_recent: boolean;
    /** Whether the log may lack a change; otherwise it lost nothing, as when a task goes on from its slot. */
    readonly hides_changes: boolean;
}

/** The gaps that the ledger has for a table; a kind that hides changes fails. */
export async function checkGaps(
    audit: Database,
    { schema, table }: TableShape,
    since: string | undefined,
): Promise<Check> {
    const script = renderSql("sql/verify/gaps.sql", { schema, table });
    return judgeGaps(await audit.rows<GapSummary>(script, [since]));
}

/** See {@link checkGaps}. */
export function judgeGaps(gaps: readonly GapSummary[]): Check {
    const told = gaps.map(({ kind, count, last }) => `${count} x ${kind}, the last at ${last}`);
    return {
        name: "gaps",
        ok: !gaps.some(({ is_recent, hides_changes }) => is_recent && hides_changes),
        detail: told.join("; ") || "none recorded",
    };
}

/** Whether DMS writes every column that the source's table has now into staging. */
export async function checkColumns(
    audit: Database,
    { schema, table, columns }: TableShape,
    stagingColumns: readonly string[],
): Promise<Check> {
    const missing = columns
        .filter(({ name }) => !stagingColumns.includes(name))
        .map(({ name }) => `staging has no column ${name}: deploy, which also resumes the task`);
    const script = renderSql("sql/verify/columns_after_connect.sql", { schema, table });
    const late = (await audit.rows<{ name: string }>(script)).map(
        ({ name }) =>
            `staging got the column ${name} after the DMS task had connected: stop and resume the task`,
    );
    return checkOf("columns", [...missing, ...late], "those of the source");
}

/** Changes that arrived and could not be logged. */
export async function checkUnlogged(
    audit: Database,
    { schema, table }: TableShape,
    since: string | undefined,
): Promise<Check> {
    const script = renderSql("sql/verify/unlogged_changes.sql", { schema, table });
    const { count, message } = await audit.row<{ count: string; message: string | null }>(script, [
        since,
    ]);
    const findings = count === "0" ? [] : [`${count}, for example: ${message ?? ""}`];
    return checkOf("unlogged changes", findings, "none");
}

/** Who may write the log besides its owner, and who may read it as DMS. */
export async function checkGrants(audit: Database, shape: TableShape): Promise<Check> {
    return await grantsOn(audit, [qualified(shape.schema, trailNames(shape).auditLog)]);
}

/** As {@link checkGrants}, for the ledgers; and who may act as the owner. */
export async function checkLedgerGrants(audit: Database): Promise<Check> {
    const ledgers = ["gap", "unlogged_change", "brought_back"].map((name) => qualified(TRAIL_SCHEMA, name));
    const onLedgers = await grantsOn(audit, ledgers);
    const members = await audit.rows<{ finding: string }>(
        renderSql("sql/verify/owner_members.sql", { owner: ROLES.owner }),
    );
    const findings = members.map(({ finding }) => finding);
    return {
        ...onLedgers,
        ok: onLedgers.ok && findings.length === 0,
        detail:
            [...(onLedgers.ok ? [] : [onLedgers.detail]), ...findings].join("; ") ||
            onLedgers.detail,
    };
}

async function grantsOn(audit: Database, relations: readonly string[]): Promise<Check> {
    const script = renderSql("sql/verify/write_grants.sql", ROLES);
    const found = await audit.rows<{ finding: string }>(script, [relations]);
    const findings = [...new Set(found.map(({ finding }) => finding))];
    return checkOf("grants", findings, "only the owner can write");
}

/** What DMS's control tables say of one table. */
export interface ControlEntry {
    /** `awsdms_apply_exceptions` or `awsdms_suspended_tables`. */
    readonly control: string;
    readonly schema: string;
    readonly table: string;
    readonly count: string;
    readonly reason: string | null;
}

/** All that DMS reports as not applied, and control tables that cannot be read. */
export async function readControlTables(
    audit: Database,
    since: string | undefined,
): Promise<{ entries: ControlEntry[]; unreadable: string[] }> {
    const entries: ControlEntry[] = [];
    const unreadable: string[] = [];
    const tables = await audit.rows<{ schema: string; name: string; readable: boolean }>(
        renderSql("sql/verify/control_tables.sql"),
    );
    for (const { schema, name, readable } of tables) {
        if (!readable) {
            unreadable.push(`${schema}.${name} cannot be read by this user`);
            continue;
        }
        const script = renderSql("sql/verify/control_rows.sql", { schema, table: name });
        const rows = await audit.rows<Omit<ControlEntry, "control">>(script, [since]);
        entries.push(...rows.map((row) => ({ ...row, control: name })));
    }
    return { entries, unreadable };
}

/** Whether DMS reports that it did not apply changes of one table; it names the target or the source table. */
export function judgeControlTables(entries: readonly ControlEntry[], shape: TableShape): Check {
    const { staging } = trailNames(shape);
    const findings = entries
        .filter(
            ({ schema, table }) =>
                schema === shape.schema && [shape.table, staging].includes(table),
        )
        .map(({ control, count, reason }) =>
            control === "awsdms_suspended_tables"
                ? `DMS has suspended ${formatTableName(shape)} (${reason ?? ""})`
                : `${count} apply exceptions, for example: ${(reason ?? "").slice(0, 200)}`,
        );
    return checkOf("DMS control tables", findings, "no apply exception, not suspended");
}
