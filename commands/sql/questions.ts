import { renderSql, type SqlFile } from "../../database/sqlTemplate";
import { databaseUsersLook } from "../../trail/databaseUsers";
import { dmsSessionLook } from "../../trail/dmsSession";
import { MARKER_TABLE } from "../../trail/guards";
import { addedColumns, carriedColumns } from "../../trail/headerColumns";
import { formatTableName, trailNames } from "../../trail/names";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import type { TableDefinition } from "../../trail/tableDefinition";
import { DEFAULT_GROUP } from "../../trail/tableGroups";
import { lookFile } from "../../trail/tableLife";
import { VERIFY_SESSION } from "../../verify/database";
import { inexactColumns } from "../../verify/exactValues";
import {
    checkScripts,
    comparisonScripts,
    consistencyScripts,
    countScripts,
    defaultReceiversScript,
    holdScript,
    lookupScripts,
    rangeScripts,
    rolePowersScript,
    stagingColumnsScript,
    writeGrantsScript,
} from "../../verify/tableScripts";
import { DEPLOYER, type Part, type Side, type Step } from "./step";

const VERIFIER = "the user of verify's address";

/** What the program asks without changing anything, and what verify writes: queries with parameters, one at a time. */
export function questionParts(tables: readonly TableDefinition[], marker: TableDefinition): Part[] {
    return [
        {
            name: "preview",
            title: "What a preview and an update ask first, to see what there is to do.",
            session: {},
            steps: previewSteps([...tables, marker]),
        },
        {
            name: "verify-trail",
            title: "What verify asks about the trail as a whole. It also runs the scripts of audit-cluster.sql and the marker's of audit-tables.sql once more, in a schema of another name, and rolls them back.",
            session: VERIFY_SESSION,
            steps: verifySteps(),
        },
        {
            name: "verify-tables",
            title: "What verify asks about each table. $n are values that are known only then: keys, numbers of rows, times.",
            session: VERIFY_SESSION,
            steps: tables.flatMap(verifyTableSteps),
        },
    ];
}

function query(
    side: Side,
    when: string,
    ...files: readonly SqlFile[]
): Omit<Step, "role" | "about"> {
    return { side, when, files, isBatch: false };
}

/** The markers of a stack without groups. */
const MARKERS = { audit_log: trailNames(MARKER_TABLE).auditLog, table: MARKER_TABLE.table };

function script(name: string, variables: Parameters<typeof renderSql>[1] = {}): SqlFile {
    return renderSql(`sql/${name}.sql`, variables);
}

function previewSteps(definitions: readonly TableDefinition[]): Step[] {
    return [
        query("source", "first: the audited tables", script("source/catalog")),
        query("source", "for tables that are missing", script("source/former_names")),
        query("source", "before and after the script", dmsSessionLook(roles.source)),
        query(
            "audit",
            "before and after the script",
            dmsSessionLook(roles.target),
            databaseUsersLook([]),
            lookFile(definitions),
        ),
    ].map((step) => ({ ...step, role: DEPLOYER }));
}

/** In the order of verify/verifyTrail.ts. */
function verifySteps(): Step[] {
    const always = "each time";
    return [
        query("audit", "where no table is named", script("status/audited")),
        query("audit", "first", script("verify/registered_tables")),
        query("source", "first: the tables as they are now", script("source/catalog")),
        query("source", "for tables that are missing", script("source/former_names")),
        query("audit", always, script("verify/audited_tables"), script("verify/chosen_columns")),
        query("audit", always, script("verify/known_columns"), script("verify/staging_partitions")),
        query("audit", "for the trail and for its copy", script("verify/definitions")),
        query(
            "audit",
            "for the trail and for its copy",
            script("verify/trail_rows", { schema: schemas.trail }),
        ),
        query("audit", "before the copy is made", defaultReceiversScript()),
        query("source", always, script("verify/task_slots", { dms: roles.source })),
        query("audit", always, script("verify/known_slots")),
        query("audit", "where the tasks' slots are known", script("verify/observe_slots")),
        query(
            "source",
            "where a lock keeps a script from its tables",
            script("verify/lock_holders"),
        ),
        query(
            "audit",
            "where a lock keeps a script from its tables",
            script("verify/lock_holders"),
        ),
        query("source", "before and after each look at rows", script("verify/marker")),
        query(
            "audit",
            "until the marker is there",
            script("verify/marker_arrival", { audit_log: MARKERS.audit_log }),
        ),
        query(
            "audit",
            "while the marker is not there, with the slots: whether the task gets on",
            script("verify/apply_sessions", { dms: roles.target, group: DEFAULT_GROUP }),
        ),
        query("audit", always, script("verify/quoted_names"), script("verify/event_triggers")),
        query("audit", "for the ledgers, and for each log", writeGrantsScript()),
        query("audit", always, script("verify/owner_members", { owner: roles.owner })),
        query("audit", always, rolePowersScript()),
        query("audit", always, script("verify/ledger_statistics")),
        query("audit", always, script("verify/control_tables", { dms: roles.target })),
        query("source", always, dmsSessionLook(roles.source)),
        query("audit", always, dmsSessionLook(roles.target), script("verify/collect_gaps")),
        query("source", always, script("verify/source_markers")),
        query("audit", always, script("verify/missing_markers", { audit_log: MARKERS.audit_log })),
        query("audit", "for markers that are missing", script("verify/record_missing_markers")),
        query("audit", always, script("verify/untold_markers", MARKERS)),
        query("source", always, script("verify/source_functions"), script("verify/two_phase")),
        query("audit", always, script("verify/statistics_reset")),
    ].map((step) => ({ ...step, role: VERIFIER }));
}

/** In the order of verify/verifyTable.ts. */
function verifyTableSteps(definition: TableDefinition): Step[] {
    const added = addedColumns(definition);
    const stagingColumns = [...definition.columns.map(({ name }) => name), ...added];
    const inexact = inexactColumns(definition, definition.columns);
    const ranges = rangeScripts(definition);
    const { sums, hashes } = comparisonScripts(definition, stagingColumns, inexact);
    const lookup = lookupScripts(definition, stagingColumns, inexact);
    const own = consistencyScripts(definition, stagingColumns);
    const count = countScripts(definition);
    const check = checkScripts(definition);
    const isPartitioned = definition.partitions !== undefined;
    const range = "for each range of keys";
    const differing = "for a range that differs";
    const keys = "for keys that differ";
    return [
        query("audit", "first", stagingColumnsScript(definition), check.acknowledgements),
        query(
            "source",
            "BEGIN READ ONLY and this before each statement that reads the table; ROLLBACK after it",
            holdScript(definition),
        ),
        query("source", range, ranges.sourceEnd),
        query("audit", range, ranges.stagingEnd),
        query("source", "where the ranges of both sides end otherwise", ranges.order),
        query("source", range, sums.source),
        query("audit", range, sums.staging),
        query("source", differing, hashes.source),
        query("audit", differing, hashes.staging),
        query("source", keys, lookup.sourceRows),
        query("audit", keys, lookup.versions),
        query("audit", "for keys whose rows did not change meanwhile", lookup.silentColumns),
        query("audit", "for those, where the log cannot hold every value", lookup.toldApart),
        query("audit", "for a row that differs", lookup.differingColumns),
        query("audit", "for a value that DMS has cut", lookup.recordCut),
        query("audit", "each time", count.known, count.columns),
        query("audit", "each time", count.count(carriedColumns(definition).map(({ log }) => log))),
        query("audit", "for rows that are not counted yet", count.enter),
        query("audit", "each time", check.statistics),
        query("audit", "for each range of log rows", own.logEnd, own.logChunk),
        query("audit", "for a staging row that differs", own.stagingRows),
        query("audit", range, own.stagingEnd, own.stagingWithoutLog),
        query("audit", "for keys without a log row", own.keysWithoutLog),
        query("audit", "each time", own.tombstones),
        query("source", "each time", check.guards),
        isPartitioned
            ? query("audit", "each time", check.registeredPartitions)
            : query("source", "each time", check.otherPartitions),
        query("audit", "each time", check.lateColumns, check.triggerArguments, check.registry),
        query("audit", "each time", check.unlogged, check.gaps),
    ].map((step) => ({ ...step, role: VERIFIER, about: formatTableName(definition) }));
}
