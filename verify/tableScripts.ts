import { qualified, renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import { isForeign } from "../trail/foreignTypes";
import { carriedByAnyLog, carriedHeaders } from "../trail/headerColumns";
import { carriedComparison, carriedText, logRowHash } from "../trail/headerFragments";
import { holdTable } from "../trail/heldTable";
import { trailNames } from "../trail/names";
import { roles } from "../trail/rolesAndSchemas";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { blurredCounts, exactText, type InexactColumn, toldApart } from "./exactValues";
import {
    headerArray,
    keyVariables,
    logVariables,
    partitionVariables,
    rowImage,
    wholeRow,
} from "./sqlExpressions";

// What verify asks about one table, script by script. `stagingColumns` are the columns of the table's staging, header
// columns included, in the order of the table.

/** What holds a table of the source while it is read. */
export function holdScript(definition: TableDefinition): SqlFile {
    const { columns, excluded = [] } = definition;
    // Read by their own expressions, or not at all.
    const known = [
        ...columns.filter((column) => column.extension || isForeign(column)),
        ...excluded,
    ];
    return holdTable(
        definition,
        known.map(({ name }) => name),
    );
}

/** The columns of a table's staging. */
export function stagingColumnsScript(definition: TableName): SqlFile {
    return columnsOf(qualified(definition.schema, trailNames(definition).staging));
}

function columnsOf(relation: string): SqlFile {
    return renderSql("sql/verify/staging_columns.sql", { staging_name: relation });
}

/** How the keys of source and staging are split into common ranges. */
export interface RangeScripts {
    readonly sourceEnd: SqlFile;
    readonly stagingEnd: SqlFile;
    /** To be asked of the source. */
    readonly order: SqlFile;
}

/** See {@link RangeScripts}. */
export function rangeScripts(definition: TableDefinition): RangeScripts {
    return {
        sourceEnd: renderSql("sql/verify/chunk_end.sql", keyVariables(definition, "source")),
        stagingEnd: renderSql("sql/verify/chunk_end.sql", keyVariables(definition, "staging")),
        order: renderSql("sql/verify/chunk_order.sql", keyVariables(definition, "source")),
    };
}

/** How the rows of one range are compared: first a sum on each side, then the hash of each row. */
interface ComparisonScripts {
    readonly sums: Readonly<Record<"source" | "staging", SqlFile>>;
    readonly hashes: Readonly<Record<"source" | "staging", SqlFile>>;
}

/** See {@link ComparisonScripts}. */
export function comparisonScripts(
    definition: TableDefinition,
    stagingColumns: readonly string[],
    inexact: readonly InexactColumn[],
): ComparisonScripts {
    const script = (name: string, from: "source" | "staging"): SqlFile =>
        renderSql(`sql/verify/${name}.sql`, {
            ...keyVariables(definition, from),
            row_text: exactText(rowImage(from, definition, stagingColumns), inexact),
            blurred: blurredCounts(from === "source" ? inexact : []),
        });
    return {
        sums: { source: script("chunk_sum", "source"), staging: script("chunk_sum", "staging") },
        hashes: {
            source: script("chunk_hashes", "source"),
            staging: script("chunk_hashes", "staging"),
        },
    };
}

/** How single keys are looked up: `sourceRows` at the source, the others on the audit side. */
export interface LookupScripts {
    readonly sourceRows: SqlFile;
    readonly versions: SqlFile;
    readonly differingColumns: SqlFile;
    readonly silentColumns: SqlFile;
    /** What staging's rows have besides their JSON. */
    readonly toldApart: SqlFile;
    readonly recordCut: SqlFile;
}

/** See {@link LookupScripts}. */
export function lookupScripts(
    definition: TableDefinition,
    stagingColumns: readonly string[],
    inexact: readonly InexactColumn[],
): LookupScripts {
    const { schema } = definition;
    const { auditLog, staging } = trailNames(definition);
    const log = {
        ...{ schema, audit_log: auditLog },
        image: rowImage("log", definition, stagingColumns),
    };
    const told = toldApart(inexact);
    return {
        sourceRows: renderSql("sql/verify/source_rows.sql", {
            ...keyVariables(definition, "source"),
            image: rowImage("source", definition, stagingColumns),
            told,
        }),
        versions: renderSql("sql/verify/log_versions.sql", log),
        differingColumns: renderSql("sql/verify/differing_columns.sql", log),
        silentColumns: renderSql("sql/verify/silent_columns.sql", {
            ...keyVariables(definition, "staging"),
            audit_log: auditLog,
            image: rowImage("staging", definition, stagingColumns),
        }),
        toldApart: renderSql("sql/verify/told_apart.sql", {
            ...keyVariables(definition, "staging"),
            audit_log: auditLog,
            told,
        }),
        recordCut: renderSql("sql/verify/record_cut_value.sql", { schema, staging }),
    };
}

/** How log, staging and tombstones are compared with each other, all on the audit side. */
export interface ConsistencyScripts {
    readonly logEnd: SqlFile;
    readonly logChunk: SqlFile;
    /** The hashes of single staging rows. */
    readonly stagingRows: SqlFile;
    readonly stagingEnd: SqlFile;
    readonly stagingWithoutLog: SqlFile;
    readonly keysWithoutLog: SqlFile;
    readonly tombstones: SqlFile;
}

/** See {@link ConsistencyScripts}. */
export function consistencyScripts(
    definition: TableDefinition,
    stagingColumns: readonly string[],
): ConsistencyScripts {
    const { auditLog, staging } = trailNames(definition);
    const log = logVariables(definition);
    const ofStaging = {
        ...keyVariables(definition, "staging"),
        ...partitionVariables(definition),
        audit_log: auditLog,
    };
    return {
        logEnd: renderSql("sql/verify/log_chunk_end.sql", log),
        logChunk: renderSql("sql/verify/log_chunk.sql", {
            ...log,
            same_row: keyVariables(definition, "staging", "o").same_row,
            table: definition.table,
            staging_name: qualified(definition.schema, staging),
            headers: headerArray(definition),
            staging_row: wholeRow(definition, stagingColumns),
            ...partitionVariables(definition),
            ...carriedComparison(carriedHeaders()),
        }),
        stagingRows: renderSql("sql/verify/source_rows.sql", {
            ...keyVariables(definition, "staging"),
            image: wholeRow(definition, stagingColumns),
            told: toldApart([]),
        }),
        stagingEnd: renderSql("sql/verify/chunk_end.sql", ofStaging),
        stagingWithoutLog: renderSql("sql/verify/staging_without_log.sql", ofStaging),
        keysWithoutLog: renderSql("sql/verify/keys_without_log.sql", ofStaging),
        tombstones: renderSql("sql/verify/tombstones.sql", log),
    };
}

/** How a log is counted, all on the audit side. */
interface CountScripts {
    readonly known: SqlFile;
    /** The log's columns, which tell what its rows take over from staging. */
    readonly columns: SqlFile;
    readonly enter: SqlFile;
    /** @param logColumns what `columns` has found. Old rows keep their hashes also where the table is no longer partitioned */
    count(logColumns: readonly string[]): SqlFile;
}

/** See {@link CountScripts}. */
export function countScripts(definition: TableDefinition): CountScripts {
    const { schema, table } = definition;
    return {
        known: renderSql("sql/verify/known_counts.sql", { schema, table }),
        columns: columnsOf(qualified(schema, trailNames(definition).auditLog)),
        enter: renderSql("sql/verify/enter_count.sql", { schema, table }),
        count(logColumns) {
            const carried = carriedByAnyLog().filter(({ log }) => logColumns.includes(log));
            return renderSql("sql/verify/log_count.sql", {
                ...logVariables(definition),
                row_hash: logRowHash(carriedText(carried)),
            });
        },
    };
}

/** What is asked about a table besides its rows: `guards` and `otherPartitions` of the source, the rest on the audit side. */
interface CheckScripts {
    readonly guards: SqlFile;
    /** Of a plain table: the partitions beside it, if it is one. */
    readonly otherPartitions: SqlFile;
    readonly registeredPartitions: SqlFile;
    readonly statistics: SqlFile;
    readonly acknowledgements: SqlFile;
    readonly gaps: SqlFile;
    readonly lateColumns: SqlFile;
    readonly registry: SqlFile;
    readonly unlogged: SqlFile;
    readonly triggerArguments: SqlFile;
}

/** See {@link CheckScripts}. */
export function checkScripts(definition: TableDefinition): CheckScripts {
    const { schema, table } = definition;
    const { staging, auditLog, tombstone, partitionPrefix } = trailNames(definition);
    const sourceTable = { table_name: qualified(schema, table) };
    const names = { schema, table };
    return {
        guards: renderSql("sql/verify/source_guards.sql", sourceTable),
        otherPartitions: renderSql("sql/verify/partitions_not_audited.sql", sourceTable),
        registeredPartitions: renderSql("sql/verify/registered_partitions.sql", names),
        statistics: renderSql("sql/verify/log_statistics.sql", {
            audit_log_name: qualified(schema, auditLog),
        }),
        acknowledgements: renderSql("sql/verify/acknowledgements.sql", names),
        gaps: renderSql("sql/verify/gaps.sql", names),
        lateColumns: renderSql("sql/verify/columns_after_connect.sql", names),
        registry: renderSql("sql/verify/registry.sql", {
            ...{ schema, table, staging, tombstone },
            staging_name: qualified(schema, staging),
            audit_log: auditLog,
            default_partition: `${partitionPrefix}default`,
            headers: headerArray(definition),
        }),
        unlogged: renderSql("sql/verify/unlogged_changes.sql", { ...names, audit_log: auditLog }),
        triggerArguments: renderSql("sql/verify/log_trigger_arguments.sql", names),
    };
}

/** What lets somebody rewrite the trail without a right on any of its objects. */
export function rolePowersScript(): SqlFile {
    const { owner, collector, target, auditor, operator } = roles;
    return renderSql("sql/verify/role_powers.sql", {
        roles: SqlFragment.literals([owner, collector, target, auditor, operator]),
        ...{ owner, collector, dms: target },
    });
}

/** Who gets rights on whatever the owner makes. */
export function defaultReceiversScript(): SqlFile {
    return renderSql("sql/verify/default_receivers.sql", { owner: roles.owner });
}

/** Who may write relations; the same for a log and for the ledgers, which are its parameter. */
export function writeGrantsScript(): SqlFile {
    return renderSql("sql/verify/write_grants.sql", {
        dms: roles.target,
        collector: roles.collector,
        owner: roles.owner,
    });
}
