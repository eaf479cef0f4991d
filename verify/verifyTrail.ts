import type { Client } from "pg";
import { renderSql } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import { formatTableName } from "../trail/names";
import type { TableDefinition } from "../trail/tableDefinition";
import { DEFAULT_GROUP } from "../trail/tableGroups";
import { checkControlTables, checkDmsSessions, checkLedgerGrants } from "./auditChecks";
import { checkOf, unlessLocked } from "./checkOf";
import { asChosen, readChosenColumns } from "./chosenColumns";
import { Database } from "./database";
import { type AuditedTable, DefinitionChecks, groupsIn } from "./definitionChecks";
import { LockedError } from "./locks";
import { checkMarkers } from "./markerChecks";
import { MarkerLate, Markers } from "./markers";
import {
    type Check,
    emptyReport,
    type TableReport,
    VERIFICATION,
    type VerifyOptions,
    type VerifyReport,
    withDefaults,
} from "./report";
import { checkSlots } from "./slotChecks";
import { checkSourceFunctions } from "./sourceChecks";
import {
    isUnreadable,
    noteTwoPhase,
    readSourceTables,
    type SourceTable,
    type UnreadableTable,
} from "./sourceTables";
import { checkLedgerStatistics, noteStatistics } from "./statistics";
import { type TableContext, verifyTable } from "./verifyTable";

/**
 * Compares the audit trail with the source, under load: the rows of both, the log with itself, and everything that the
 * trail's guarantee rests on. Reads in short statements; writes markers into `audit_trail.marker` of
 * the source and what DMS has reported into the gap ledger, and nothing else that stays.
 *
 * docs/verify.md says what it cannot see.
 *
 * @param source connected to the source database, may insert into `audit_trail.marker` and read the tables
 * @param audit connected to the audit database as a member of the logs' owner that may create a schema
 * @param tables the audited tables as the source's catalog has them now; one that cannot be judged is reported as such
 * @throws PlainError with one sentence when nothing can be said of any table
 */
export async function verifyTrail(
    source: Client,
    audit: Client,
    tables: readonly (TableDefinition | UnreadableTable)[],
    options: VerifyOptions = {},
): Promise<VerifyReport> {
    const settings = withDefaults(options);
    const databases = {
        source: await Database.prepare(source, "source", settings.lockTimeoutMs),
        audit: await Database.prepare(audit, "audit", settings.lockTimeoutMs),
    };
    const { progress } = settings;
    progress.begin(tables.length);
    progress.step("the definitions of the trail");
    const chosen = await readChosenColumns(databases.audit);
    const subjects = tables.map((table) => (isUnreadable(table) ? table : asChosen(table, chosen)));
    const definitions = subjects.filter((table): table is TableDefinition => !isUnreadable(table));
    const audited = await databases.audit.rows<AuditedTable>(
        renderSql("sql/verify/audited_tables.sql"),
    );
    const definitionChecks = await DefinitionChecks.read(
        databases.source,
        databases.audit,
        definitions,
        audited,
    );
    progress.step("the slot, and the way of a marker");
    const groups = groupsIn(audited);
    const markersOf = (group: string): Markers =>
        new Markers(databases.source, databases.audit, settings, group, groups.length);
    const markers = groups.map(markersOf);
    const replication = await checkReplication(markers);
    const slots = await unlessLocked("replication slot", () =>
        checkSlots(databases.source, databases.audit, groups.length, [...replication.running]),
    );
    progress.step("the checks of the trail as a whole");
    const checks = [
        slots,
        replication.check,
        await definitionChecks.checkSchema(),
        ...(await checksOfTrail(databases, replication.check.ok ? markers : [])),
    ];
    // Without replication no marker arrives; the audit side can still be compared with itself.
    const context = { ...databases, settings, audited, definitionChecks };
    const sourceTables = await readSourceTables(databases.source, databases.audit, definitions);
    const now = (definition: TableDefinition): SourceTable | UnreadableTable | undefined =>
        sourceTables[definitions.indexOf(definition)];
    const reports: TableReport[] = [];
    for (const table of subjects) {
        progress.step(formatTableName(table));
        const home = audited.find(
            (one) => one.schema === table.schema && one.table === table.table,
        );
        const group = home?.table_group ?? DEFAULT_GROUP;
        const ofGroup = markers.find((one) => one.group === group) ?? markersOf(group);
        const isReplicating = replication.running.has(group);
        reports.push(
            isUnreadable(table)
                ? unreadableReport(table)
                : await readableReport(
                      { ...context, markers: ofGroup, isReplicating },
                      table,
                      now(table),
                  ),
        );
        progress.tableDone(formatTableName(table));
    }
    return {
        complete: [...checks.map(({ ok }) => ok), ...reports.map((one) => one.complete)].every(
            Boolean,
        ),
        checks,
        tables: reports,
    };
}

/**
 * The checks that concern every table, each for itself: what is locked keeps only those from being made that read it.
 *
 * @param markers of the groups whose task brings markers
 */
async function checksOfTrail(
    { source, audit }: { readonly source: Database; readonly audit: Database },
    markers: readonly Markers[],
): Promise<readonly Check[]> {
    const wanted: readonly (readonly [string, () => Promise<Check>])[] = [
        ["grants", () => checkLedgerGrants(audit)],
        ["ledger statistics", () => checkLedgerStatistics(audit)],
        ["DMS control tables", () => checkControlTables(audit)],
        ["DMS sessions", () => checkDmsSessions(source, audit)],
        ["gap ledger", () => collectGaps(audit)],
        ...(markers.length === 0
            ? []
            : [["markers", () => checkMarkers(source, audit, markers)] as const]),
        ["source functions", () => checkSourceFunctions(source)],
        ["prepared transactions", () => noteTwoPhase(source)],
        ["statistics", () => noteStatistics(audit)],
    ];
    const checks: Check[] = [];
    // One after the other: they share the two sessions.
    for (const [name, make] of wanted) {
        checks.push(await unlessLocked(name, make));
    }
    return checks;
}

function unreadableReport(table: UnreadableTable): TableReport {
    const check = table.isLocked === true ? VERIFICATION : "source table";
    return emptyReport(formatTableName(table), check, table.problem);
}

async function readableReport(
    context: Omit<TableContext, "now">,
    definition: TableDefinition,
    now: SourceTable | UnreadableTable | undefined,
): Promise<TableReport> {
    return now !== undefined && isUnreadable(now)
        ? unreadableReport(now)
        : await reportOf({ ...context, now }, definition);
}

/** What cannot be found out of one table says nothing of the others. */
async function reportOf(context: TableContext, definition: TableDefinition): Promise<TableReport> {
    try {
        return await verifyTable(context, definition);
    } catch (error) {
        const problem = messageOf(error);
        return emptyReport(formatTableName(definition), VERIFICATION, problem);
    }
}

/** Enters what DMS has reported into the gap ledger, which the tables are judged by. */
async function collectGaps(audit: Database): Promise<Check> {
    try {
        const [row] = await audit.rows<{ found: number }>(renderSql("sql/verify/collect_gaps.sql"));
        return checkOf("gap ledger", [], `${row?.found ?? 0} new entries`);
    } catch (error) {
        if (error instanceof LockedError) {
            throw error;
        }
        const reason = messageOf(error);
        return checkOf("gap ledger", [`it cannot be brought up to date: ${reason}`], "");
    }
}

/** Whether each group's task brings what is committed, and the groups whose task does. */
async function checkReplication(
    groups: readonly Markers[],
): Promise<{ readonly check: Check; readonly running: ReadonlySet<string> }> {
    const started = Date.now();
    const running = new Set<string>();
    const late: string[] = [];
    // One after the other: they share the two sessions.
    for (const markers of groups) {
        try {
            await markers.pass();
            running.add(markers.group);
        } catch (error) {
            if (!(error instanceof MarkerLate || error instanceof LockedError)) {
                throw error;
            }
            late.push(error.message);
        }
    }
    const fine = `a marker took ${Date.now() - started} ms`;
    return { check: checkOf("replication", late, fine), running };
}
