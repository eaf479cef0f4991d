import { qualified, renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import {
    addedColumns,
    carriedByAnyLog,
    carriedColumns,
    HEADERS,
    PARTITION_COLUMN,
} from "./headerColumns";
import { carriedDefinitions, carriedPairs, countedColumns, headerNames } from "./headerFragments";
import { formatTableName, trailNames } from "./names";
import { schemas } from "./rolesAndSchemas";
import { SCHEMA_VERSION } from "./schemaVersion";
import type { Partition, TableDefinition } from "./tableDefinition";

/**
 * Once per audit cluster: the gap ledger, the ledger of changes that could not be logged, the registry of tables,
 * what auditors query, and the functions that all trails share. The schema `audit_trail` and the roles must exist, and
 * sql/audit/grants.sql must have run, which gives the roles and the executing user what they need. All scripts of this module can be run again;
 * each must run inside a transaction, because it changes the role with SET LOCAL.
 */
export function foundation(): SqlFile[] {
    return [
        renderSql("sql/audit/schema_version.sql", {
            version: SqlFragment.integer(SCHEMA_VERSION),
        }),
        ...["basics", "ledger", "slots", "registry", "partitions"].map(audit),
        renderSql("sql/audit/images.sql", { headers: headerNames() }),
        ...["tables", "triggers", "reload"].map(audit),
        audit("control_tables"),
        renderSql("sql/audit/new_columns.sql", { headers: headerNames() }),
        ...["collect_gaps", "set_aside"].map(audit),
        renderSql("sql/audit/bring_back.sql", { carried: carriedPairs(carriedByAnyLog()) }),
        renderSql("sql/audit/count_log.sql", countedColumns(carriedByAnyLog())),
        ...["maintain", "queries", "acknowledge"].map(audit),
    ];
}

function audit(name: string): SqlFile {
    return renderSql(`sql/audit/${name}.sql`);
}

/**
 * One table's staging table, log and tombstones, and the extensions that its types come from. On a trail that is already
 * there it adds and widens columns of staging, gives a renamed column the values of the old one, and adds partitions; it
 * drops nothing, and it fails when the source's primary key is another one.
 */
export function tableObjects(definition: TableDefinition): SqlFile[] {
    const names = trailNames(definition);
    const source = formatTableName(definition);
    const key = new Set(definition.primaryKey);
    const columns = [
        ...definition.columns.map(({ name, type, missing }) => ({ name, type, missing })),
        ...HEADERS.map(({ name, stagingType }) => ({
            name,
            type: stagingType,
            missing: undefined,
        })),
        ...(definition.partitions === undefined
            ? []
            : [{ name: PARTITION_COLUMN, type: "text", missing: undefined }]),
    ].map((column) => ({
        name: column.name,
        type: SqlFragment.type(column.type),
        type_name: column.type,
        in_key: SqlFragment.boolean(key.has(column.name) || column.name === PARTITION_COLUMN),
        missing: SqlFragment.nullable(column.missing),
    }));
    const extensions = new Map(
        definition.columns.flatMap(({ extension }) =>
            extension === undefined ? [] : [[extension.name, extension]],
        ),
    );
    return [
        ...[...extensions.values()].map((extension) =>
            renderSql("sql/audit/extension.sql", {
                extension: extension.name,
                schema: extension.schema,
            }),
        ),
        renderSql("sql/audit/staging.sql", {
            schema: definition.schema,
            staging: names.staging,
            staging_name: qualified(definition.schema, names.staging),
            columns: SqlFragment.each(':"name" :type', columns),
            column_rows: SqlFragment.each(
                "(:'name', :'type_name', :in_key, :missing)",
                columns,
                ",\n        ",
            ),
            // A partitioned table has no key that lacks its partition's column, and DMS wants the source's: each partition has it.
            key: SqlFragment.each(
                ",\n    PRIMARY KEY (:key_columns)",
                definition.partitions === undefined
                    ? [{ key_columns: SqlFragment.identifiers(definition.primaryKey) }]
                    : [],
            ),
            is_partitioned: SqlFragment.boolean(definition.partitions !== undefined),
            partitioning: SqlFragment.each(
                ' PARTITION BY LIST (:"partition_column")',
                definition.partitions === undefined ? [] : [{ partition_column: PARTITION_COLUMN }],
            ),
            key_names: SqlFragment.literals(definition.primaryKey),
            comment: `Current rows of ${source}, written by AWS DMS alone.`,
        }),
        renderSql("sql/audit/audit_log.sql", {
            schema: definition.schema,
            audit_log: names.auditLog,
            audit_log_name: qualified(definition.schema, names.auditLog),
            partition_prefix: names.partitionPrefix,
            carried_columns: carriedDefinitions(carriedColumns(definition)),
            row_key_index: names.rowKeyIndex,
            time_index: names.timeIndex,
            comment: `Every change of ${source}: old row, new row, the source's commit time. Append-only.`,
        }),
        renderSql("sql/audit/tombstone.sql", {
            schema: definition.schema,
            table: definition.table,
            tombstone: names.tombstone,
            tombstone_name: qualified(schemas.trail, names.tombstone),
        }),
        renderSql("sql/audit/register.sql", {
            schema: definition.schema,
            table: definition.table,
            staging: names.staging,
            audit_log: names.auditLog,
            tombstone: names.tombstone,
            partition_prefix: names.partitionPrefix,
            key_names: SqlFragment.literals(definition.primaryKey),
            oid: definition.oid,
            columns: SqlFragment.each(":column", registered(definition), ",\n        "),
        }),
        ...(definition.partitions === undefined
            ? []
            : [registerPartitions(definition, definition.partitions)]),
    ];
}

/** A table's columns as the registry takes them, those that are left out among them. */
function registered({
    columns,
    excluded = [],
}: TableDefinition): { readonly column: SqlFragment }[] {
    return [
        ...columns.map(({ attnum, name, type, missing, sourceType }) =>
            SqlFragment.each(
                "jsonb_build_object('attnum', :attnum, 'name', :'name', 'type', :'type', 'missing', :missing, 'source_type', :source_type)",
                [
                    {
                        attnum: SqlFragment.integer(attnum),
                        name,
                        type,
                        missing: SqlFragment.nullable(missing),
                        source_type: SqlFragment.nullable(sourceType),
                    },
                ],
            ),
        ),
        ...excluded.map(({ attnum, name, type, reason }) =>
            SqlFragment.each(
                "jsonb_build_object('attnum', :attnum, 'name', :'name', 'type', :'type', 'excluded', :'reason')",
                [{ attnum: SqlFragment.integer(attnum), name, type, reason }],
            ),
        ),
    ].map((column) => ({ column }));
}

/**
 * Refuses tables whose staging would get more columns than PostgreSQL allows, before anything is made of any table: staging
 * keeps what the source has dropped. See sql/audit/widths.sql.
 */
export function widthFile(definitions: readonly TableDefinition[]): SqlFile {
    const rows = definitions.map((definition) => ({
        about: formatTableName(definition),
        staging_name: qualified(definition.schema, trailNames(definition).staging),
        wanted: SqlFragment.literals([
            ...definition.columns.map(({ name }) => name),
            ...addedColumns(definition),
        ]),
    }));
    return renderSql("sql/audit/widths.sql", {
        tables: SqlFragment.each("(:'about', :'staging_name', ARRAY[:wanted])", rows, ",\n    "),
    });
}

/** How many partitions get their staging tables in one transaction, whose locks have to fit into the server's table. */
const PARTITIONS_AT_ONCE = 100;

function registerPartitions(
    { schema, table }: TableDefinition,
    partitions: readonly Partition[],
): SqlFile {
    return renderSql("sql/audit/register_partitions.sql", {
        schema,
        table,
        partitions: SqlFragment.literals([
            JSON.stringify(
                partitions.map((leaf) => [
                    leaf.schema,
                    leaf.table,
                    formatTableName(leaf),
                    trailNames(leaf).staging,
                    leaf.oid,
                ]),
            ),
        ]),
    });
}

/**
 * The staging tables of a table's partitions, as many scripts as that takes, each for a transaction of its own; none for a
 * plain table. To be run after `triggerObjects`, whose row triggers reach a partition when it is attached.
 */
export function partitionObjects({ schema, table, partitions = [] }: TableDefinition): SqlFile[] {
    const count = Math.ceil(partitions.length / PARTITIONS_AT_ONCE);
    const script = renderSql("sql/audit/partition_staging.sql", {
        schema,
        table,
        count: SqlFragment.integer(PARTITIONS_AT_ONCE),
    });
    return Array.from({ length: count }, () => script);
}
