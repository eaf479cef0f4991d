import type { Client } from "pg";

import { formatTableName, trailNames } from "../components/trail/names";
import type { TableName, TableShape } from "../components/trail/shape";
import { renderSql } from "../components/trail/template";
import {
    checkColumns,
    checkGaps,
    checkGrants,
    checkLedgerGrants,
    checkUnlogged,
    judgeControlTables,
    readControlTables,
} from "./auditChecks";
import { checkOf } from "./checks";
import { checkConsistency } from "./consistency";
import { Database } from "./database";
import { type AuditedTable, Definitions } from "./definitionChecks";
import { Differences } from "./differences";
import { qualified } from "./fragments";
import { KeyLookup } from "./lookup";
import { MarkerLate, Markers } from "./markers";
import {
    type Check,
    tableReport,
    type TableReport,
    type VerifyOptions,
    type VerifyReport,
    type VerifySettings,
    withDefaults,
} from "./report";
import { compareRows } from "./rows";
import { checkGuards, checkPartitions, checkSlots } from "./sourceChecks";
import {
    judgeSourceTable,
    noteTwoPhase,
    readSourceTables,
    showsAllRows,
    type SourceTable,
} from "./sourceTables";

/**
 * Compares the audit trail with the source, under load: the rows of both, the log with itself, and everything that the
 * trail's guarantee rests on. Reads in short statements; writes markers into `audit_trail.marker` of
 * the source and what DMS has reported into the gap ledger, and nothing else.
 *
 * It cannot see a change that was lost and whose row has been changed again since, unless the log row in between is
 * missing, nor a forgery that is consistent in the log, in staging and at the source.
 *
 * @param source connected to the source database, may insert into `audit_trail.marker` and read the tables
 * @param audit connected to the audit database as a member of the logs' owner
 * @param tables the audited tables as the source's catalog has them now
 * @throws VerifyError with one sentence when nothing can be said
 */
export async function verifyTrail(
    source: Client,
    audit: Client,
    tables: readonly TableShape[],
    options: VerifyOptions = {},
): Promise<VerifyReport> {
    const settings = withDefaults(options);
    const databases = {
        source: await Database.prepare(source, "source"),
        audit: await Database.prepare(audit, "audit"),
    };
    const markers = new Markers(databases.source, databases.audit, settings.markerTimeoutMs);
    const ledger = await collectGaps(databases.audit);
    const audited = await databases.audit.rows<AuditedTable>(
        renderSql("sql/verify/audited_tables.sql"),
    );
    const definitions = await Definitions.read(databases.source, databases.audit, tables, audited);
    const { entries, unreadable } = await readControlTables(databases.audit, settings.since);
    const checks = [
        await checkSlots(databases.source, databases.audit),
        await checkReplication(markers),
        await definitions.checkSchema(),
        await checkLedgerGrants(databases.audit),
        checkOf("DMS control tables", unreadable, "readable"),
        ledger,
        await noteTwoPhase(databases.source),
    ];
    // Without replication no marker arrives; the audit side can still be compared with itself.
    const isReplicating = checks[1]?.ok === true;
    const sourceTables = await readSourceTables(databases.source, databases.audit, tables);
    const reports: TableReport[] = [];
    for (const [index, shape] of tables.entries()) {
        const now = sourceTables[index];
        const context = { ...databases, markers, settings, audited, definitions, now };
        const control = judgeControlTables(entries, shape);
        reports.push(await verifyTable(context, shape, isReplicating, control));
    }
    return {
        complete: [...checks.map(({ ok }) => ok), ...reports.map((one) => one.complete)].every(
            Boolean,
        ),
        checks,
        tables: reports,
    };
}

interface Context {
    readonly source: Database;
    readonly audit: Database;
    readonly markers: Markers;
    readonly settings: VerifySettings;
    /** All tables that have a trail, whether they are verified or not. */
    readonly audited: readonly TableName[];
    readonly definitions: Definitions;
    /** The table as the source has it now. */
    readonly now: SourceTable | undefined;
}

/** Enters what DMS has reported into the gap ledger, which the tables are judged by. */
async function collectGaps(audit: Database): Promise<Check> {
    try {
        const [row] = await audit.rows<{ found: number }>(renderSql("sql/verify/collect_gaps.sql"));
        return checkOf("gap ledger", [], `${row?.found ?? 0} new entries`);
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return checkOf("gap ledger", [`it cannot be brought up to date: ${reason}`], "");
    }
}

async function checkReplication(markers: Markers): Promise<Check> {
    const started = Date.now();
    try {
        await markers.pass();
    } catch (error) {
        if (error instanceof MarkerLate) {
            return checkOf("replication", [error.message], "");
        }
        throw error;
    }
    return checkOf("replication", [], `a marker took ${Date.now() - started} ms`);
}

async function verifyTable(
    { source, audit, markers, settings, audited, definitions, now }: Context,
    shape: TableShape,
    isReplicating: boolean,
    control: Check,
): Promise<TableReport> {
    const table = formatTableName(shape);
    const { staging } = trailNames(shape);
    const stagingColumns = (
        await audit.rows<{ name: string }>(
            renderSql("sql/verify/staging_columns.sql", {
                staging_name: qualified(shape.schema, staging),
            }),
        )
    ).map(({ name }) => name);
    const nothing = {
        table,
        completeUpTo: null,
        rows: 0,
        logRows: 0,
        differences: [],
        differenceCount: 0,
    };
    if (stagingColumns.length === 0) {
        const missing = checkOf(
            "staging",
            [`the audit side has no ${shape.schema}.${staging}`],
            "",
        );
        return tableReport({ ...nothing, checks: [missing] });
    }
    const { chunkRows, maxListed, since } = settings;
    const differences = new Differences(maxListed);
    const rowsOf = source.reading(shape);
    const lookup = new KeyLookup(rowsOf, audit, markers, shape, stagingColumns);
    let completeUpTo: string | null = null;
    let rows = 0;
    const canCompare = isReplicating && now !== undefined && showsAllRows(now);
    if (canCompare) {
        completeUpTo = (await markers.pass()).commitTime;
        const context = {
            source: rowsOf,
            audit,
            markers,
            shape,
            stagingColumns,
            chunkRows,
            lookup,
        };
        rows = await compareRows(context, differences);
    }
    const logRows = await checkConsistency(
        audit,
        shape,
        stagingColumns,
        chunkRows,
        canCompare ? lookup : undefined,
        differences,
    );
    return tableReport({
        table,
        completeUpTo,
        rows,
        logRows,
        differences: differences.listed,
        differenceCount: differences.count,
        checks: [
            ...(now === undefined ? [] : [judgeSourceTable(now)]),
            await checkGuards(source, shape, settings.guardsExpected),
            await checkPartitions(source, shape, audited),
            await checkColumns(audit, shape, stagingColumns),
            await definitions.checkTable(shape),
            await checkGrants(audit, shape),
            control,
            await checkUnlogged(audit, shape, since),
            await checkGaps(audit, shape, since),
        ],
    });
}
