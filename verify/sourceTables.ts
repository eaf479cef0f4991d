import { renderSql } from "../database/sqlTemplate";
import { captureProblems } from "../trail/captureProblems";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters } from "../trail/catalogTables";
import type { TableName } from "../trail/tableDefinition";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import { LockedError } from "./locks";
import type { Check } from "./report";

/** A source table as the catalog has it now, and as its trail was deployed. */
export interface SourceTable extends CatalogRow {
    /** `pg_class.oid` at the last deployment; empty where an old version did not keep it, null without a trail. */
    readonly deployedOid: string | null;
    readonly deployedKey: readonly string[];
}

/** One row of sql/verify/registered_tables.sql. */
export interface RegisteredTable {
    readonly table_schema: string;
    readonly table_name: string;
    readonly source_oid: string;
    readonly primary_key: readonly string[];
}

/** The tables as they were deployed last. */
export async function readRegistered(audit: Database): Promise<RegisteredTable[]> {
    return await audit.rows<RegisteredTable>(renderSql("sql/verify/registered_tables.sql"));
}

/** A table of which the source's catalog says something that no trail can have, or that cannot be read now. */
export interface UnreadableTable extends TableName {
    readonly problem: string;
    /** Whether somebody keeps it from being read: it may be in order. */
    readonly isLocked?: boolean;
}

/** Tells the two apart. */
export function isUnreadable(table: object): table is UnreadableTable {
    return "problem" in table;
}

/**
 * What the source's catalog says of tables, in their order, by one query: by one for each where somebody has locked one of
 * them.
 */
export async function readCatalog(
    source: Database,
    tables: readonly TableName[],
): Promise<(CatalogRow | UnreadableTable)[]> {
    const read = async (some: readonly TableName[]): Promise<CatalogRow[]> =>
        source.rows<CatalogRow>(renderSql("sql/source/catalog.sql"), catalogParameters(some));
    try {
        return await read(tables);
    } catch (error) {
        if (!(error instanceof LockedError)) {
            throw error;
        }
    }
    const rows: (CatalogRow | UnreadableTable)[] = [];
    for (const table of tables) {
        try {
            rows.push(...(await read([table])));
        } catch (error) {
            if (!(error instanceof LockedError)) {
                throw error;
            }
            rows.push({ ...table, problem: error.message, isLocked: true });
        }
    }
    return rows;
}

/** All tables by one query, in the order of `tables`; see {@link readCatalog}. */
export async function readSourceTables(
    source: Database,
    registered: readonly RegisteredTable[],
    tables: readonly TableName[],
): Promise<(SourceTable | UnreadableTable)[]> {
    const rows = await readCatalog(source, tables);
    return rows.map((row) => {
        if (isUnreadable(row)) {
            return row;
        }
        const deployed = registered.find(
            (one) => one.table_schema === row.table_schema && one.table_name === row.table_name,
        );
        return {
            ...row,
            deployedOid: deployed?.source_oid ?? null,
            deployedKey: deployed?.primary_key ?? row.primary_key,
        };
    });
}

/** Whether row security lets the session see all rows, without which nothing can be said of any. */
export function showsAllRows({ hides_rows_from_me: hidden }: SourceTable): boolean {
    return hidden !== true;
}

/**
 * Whether it is still the table that was deployed, and all its changes reach DMS. What a deployment would refuse, an
 * application can do to a table afterwards.
 */
export function judgeSourceTable(table: SourceTable): Check {
    const findings = captureProblems(table);
    const { oid, deployedOid, deployedKey, primary_key: key } = table;
    if (deployedOid !== null && deployedOid !== "" && oid !== deployedOid) {
        findings.push(
            "Another table has its name since the last deployment (it was dropped and made again, or swapped by renaming): deploy, which guards and registers it; the rows of the former table left without a delete.",
        );
    }
    if (deployedKey.join("\0") !== key.join("\0")) {
        findings.push(
            `Its primary key is (${key.join(", ")}) and was (${deployedKey.join(", ")}) at the last deployment, which DMS does not follow: give it the former key back, or rename it and list it under the new name, which begins a new log.`,
        );
    }
    if (!showsAllRows(table)) {
        findings.push(
            "Row security hides rows of it from this user, so that they cannot be compared: verify as a user with BYPASSRLS, or as the table's owner without FORCE ROW LEVEL SECURITY.",
        );
    }
    return checkOf("source table", findings, "every row and every change can reach DMS");
}

/** A note where the source allows two-phase commit, which DMS does not support: it fails nothing. */
export async function noteTwoPhase(source: Database): Promise<Check> {
    const { allowed, prepared } = await source.row<{ allowed: number; prepared: number }>(
        renderSql("sql/verify/two_phase.sql"),
    );
    if (allowed === 0) {
        return checkOf("two-phase commit", [], "switched off");
    }
    return {
        name: "two-phase commit",
        ok: true,
        detail: `max_prepared_transactions is ${allowed} at the source, and DMS does not support two-phase commit: what is prepared (now ${prepared}) may reach no log, and nothing but a difference of rows tells`,
        note: true,
    };
}
