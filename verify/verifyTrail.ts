import type { Client } from "pg";
import { renderSql } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import { formatTableName } from "../trail/names";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { DEFAULT_GROUP } from "../trail/tableGroups";
import { checkControlTables, checkDmsSessions, checkLedgerGrants } from "./auditChecks";
import { checkOf, makeChecks, type WantedCheck } from "./checkOf";
import { Database } from "./database";
import { DefinitionChecks } from "./definitionChecks";
import { LockedError } from "./locks";
import { checkMarkers } from "./markerChecks";
import { MarkerLate, Markers } from "./markers";
import { asFarAsRead, entryOf, groupsIn, readRegistry, type Registry } from "./registry";
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
    const definitions = tables.filter((table): table is TableDefinition => !isUnreadable(table));
    const registry = await readRegistry(databases.audit);
    const definitionChecks = await DefinitionChecks.read(
        databases.source,
        databases.audit,
        definitions,
        registry,
    );
    progress.step("the slot, and the way of a marker");
    const markersOf = (group: string, groups: number): Markers =>
        new Markers(databases.source, databases.audit, settings, group, groups);
    let markers: readonly Markers[] = [];
    let running: ReadonlySet<string> = new Set();
    const checks = await makeChecks([
        [
            "replication",
            async () => {
                const groups = groupsIn(registry.tables());
                markers = groups.map((group) => markersOf(group, groups.length));
                const replication = await checkReplication(markers);
                ({ running } = replication);
                return replication.check;
            },
        ],
        [
            "replication slot",
            async () => {
                const groups = groupsIn(registry.tables()).length;
                return checkSlots(databases.source, databases.audit, groups, [...running]);
            },
        ],
        [
            "definitions",
            () => {
                progress.step("the checks of the trail as a whole");
                return definitionChecks.checkSchema();
            },
        ],
        ...checksOfTrail(databases, () =>
            markers.every(({ group }) => running.has(group)) ? markers : [],
        ),
    ]);
    // Without replication no marker arrives; the audit side can still be compared with itself.
    const context = { ...databases, settings, registry, definitionChecks };
    const sourceTables = await readSourceTables(
        databases.source,
        asFarAsRead(registry.deployed),
        definitions,
    );
    const now = (definition: TableDefinition): SourceTable | UnreadableTable | undefined =>
        sourceTables[definitions.indexOf(definition)];
    const reports: TableReport[] = [];
    for (const table of tables) {
        progress.step(formatTableName(table));
        const group = groupOf(registry, table);
        const ofGroup = markers.find((one) => one.group === group) ?? markersOf(group, 1);
        const isReplicating = running.has(group);
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
        // What explains a marker that is late comes before it, and is known after it.
        checks: [...checks.filter(isOfSlot), ...checks.filter((check) => !isOfSlot(check))],
        tables: reports,
    };
}

function isOfSlot({ name }: Check): boolean {
    return name === "replication slot";
}

/** The group of a table; the default one where nobody can tell, whose markers are not waited for then. */
function groupOf(registry: Registry, table: TableName): string {
    return entryOf(asFarAsRead(registry.tables), table)?.table_group ?? DEFAULT_GROUP;
}

/**
 * The checks that concern every table.
 *
 * @param markers of the groups, if their tasks bring markers
 */
function checksOfTrail(
    { source, audit }: { readonly source: Database; readonly audit: Database },
    markers: () => readonly Markers[],
): readonly WantedCheck[] {
    return [
        ["grants", () => checkLedgerGrants(audit)],
        ["ledger statistics", () => checkLedgerStatistics(audit)],
        ["DMS control tables", () => checkControlTables(audit)],
        ["DMS sessions", () => checkDmsSessions(source, audit)],
        ["gap ledger", () => collectGaps(audit)],
        [
            "markers",
            async () =>
                markers().length === 0 ? undefined : checkMarkers(source, audit, markers()),
        ],
        ["source functions", () => checkSourceFunctions(source)],
        ["prepared transactions", () => noteTwoPhase(source)],
        ["statistics", () => noteStatistics(audit)],
    ];
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
