import { createHash } from "node:crypto";
import {
    qualified,
    renderSql,
    type SqlFile,
    SqlFragment,
    type Variables,
} from "../database/sqlTemplate";
import { addedColumns, HEADER_COLUMNS, HEADERS, PARTITION_COLUMN } from "./headerColumns";
import { formatTableName, trailNames } from "./names";
import { schemas } from "./rolesAndSchemas";
import type { Partition, TableDefinition, TableName } from "./tableDefinition";
import { hasDollarQuote } from "./tableLimits";

/** The log function of one table, in the words of the postgresql provider's Function resource. */
export interface TriggerFunction {
    readonly schema: string;
    readonly name: string;
    /** PL/pgSQL, returns trigger, to be made SECURITY DEFINER; needs {@link triggerObjects} after every change. */
    readonly body: string;
}

/** The version of the audit schema that this program makes; see sql/audit/schema_version.sql. */
export const SCHEMA_VERSION = 2;

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
        ...["collect_gaps", "set_aside", "bring_back", "maintain", "queries", "acknowledge"].map(
            audit,
        ),
    ];
}

function audit(name: string): SqlFile {
    return renderSql(`sql/audit/${name}.sql`);
}

/** The names of the columns that staging has beside the source's, as the text of an array. */
function headerNames(
    names: readonly string[] = [...HEADER_COLUMNS, PARTITION_COLUMN],
): SqlFragment {
    return SqlFragment.literals([`{${names.join(",")}}`]);
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
            partition_column: SqlFragment.each(
                ",\n        -- The partition of the source's table that the row was in.\n        ('source_partition', 'text')",
                definition.partitions === undefined ? [] : [{}],
                "",
            ),
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
 * plain table. To be run after {@link triggerObjects}, whose row triggers reach a partition when it is attached.
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

/** The two functions that write one table's log, and how they are called. */
interface LogFunctions {
    readonly logChange: TriggerFunction;
    readonly uncommonName: string;
    /** Makes the second function. */
    readonly uncommon: SqlFile;
}

/**
 * The functions behind the trigger on staging. Their names hold a hash of all that they are made of, so that another
 * function never takes the name of one that is in use.
 *
 * @throws Error when a name contains a dollar quote, which would end a function's body early
 */
function logFunctions(definition: TableDefinition): LogFunctions {
    const names = trailNames(definition);
    const own = [definition.schema, definition.table, ...definition.primaryKey];
    if (own.some(hasDollarQuote)) {
        throw new Error(
            `The table ${formatTableName(definition)} or a column of its primary key has a name with a dollar quote ($...$), which a function body cannot hold; rename it.`,
        );
    }
    const key = definition.primaryKey.map((column) => ({ column }));
    const isPartitioned = definition.partitions !== undefined;
    // Ends and beginnings of lists and conditions that only a partitioned table's functions have.
    const only = (text: string): SqlFragment => SqlFragment.each(text, isPartitioned ? [{}] : []);
    const render = (uncommonName: string): { body: string; uncommon: SqlFile } => {
        const variables: Variables = {
            schema: definition.schema,
            table: definition.table,
            staging: names.staging,
            audit_log: names.auditLog,
            tombstone: names.tombstone,
            new_key: rowKey("after_image", key),
            uncommon: uncommonName,
            partition_column: only(", source_partition"),
        };
        return {
            body: renderSql("sql/audit/log_change.sql", {
                ...variables,
                headers: headerNames(addedColumns(definition)),
                partition_name: only(", NEW.audit_trail_partition"),
                in_partition: only(" AND s.audit_trail_partition = NEW.audit_trail_partition"),
                moved: only(
                    "\n    remarks := audit_trail.remark_move(remarks, NEW.audit_trail_operation, TG_RELID, changed_key, commit_microseconds);",
                ),
            }).sql,
            uncommon: renderSql("sql/audit/log_uncommon.sql", {
                ...variables,
                old_key: rowKey("before_image", key),
                partition_name: only(", new_row.audit_trail_partition"),
                in_partition: only(" AND s.audit_trail_partition = new_row.audit_trail_partition"),
            }),
        };
    };
    const nameless = render("");
    const made = [nameless.body, nameless.uncommon.sql, textSettings(definition), SCHEMA_VERSION];
    const hash = createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 8);
    const base = functionNameBase(definition);
    const uncommonName = `${base}_${hash}_log_uncommon`;
    const { body, uncommon } = render(uncommonName);
    return {
        logChange: { schema: schemas.trail, name: `${base}_${hash}_log_change`, body },
        uncommonName,
        uncommon,
    };
}

/**
 * The function that staging's trigger calls, as the postgresql provider makes it: harmless, with the rights of whoever
 * calls it, until {@link triggerObjects} has given it its settings and its owner.
 *
 * @throws Error when a name contains a dollar quote, which would end the body early
 */
export function triggerFunction(definition: TableDefinition): TriggerFunction {
    return logFunctions(definition).logChange;
}

/** {@link triggerFunction} as the postgresql provider makes it. */
export function logFunctionFile(definition: TableDefinition): SqlFile {
    const { schema, name, body } = triggerFunction(definition);
    return {
        file: "the log function",
        sql: `CREATE FUNCTION ${qualified(schema, name)}() RETURNS trigger LANGUAGE plpgsql AS $function$${body}$function$`,
    };
}

/** The name and the body of the function that the log's function leaves the uncommon to. */
export function uncommonFunction(definition: TableDefinition): {
    readonly name: string;
    readonly body: string;
} {
    const { uncommonName, uncommon } = logFunctions(definition);
    return { name: uncommonName, body: uncommon.sql.split("$function$")[1] ?? "" };
}

/**
 * Settings, owner and trigger around {@link triggerFunction}, in the transaction in which the trigger begins to call it.
 * To be run after the function exists.
 */
export function triggerObjects(definition: TableDefinition): SqlFile[] {
    const names = trailNames(definition);
    const { logChange, uncommon, uncommonName } = logFunctions(definition);
    const settings = textSettings(definition).map((setting) => ({
        ...setting,
        trigger_function: logChange.name,
    }));
    return [
        uncommon,
        renderSql("sql/audit/trigger.sql", {
            schema: definition.schema,
            table: definition.table,
            staging_name: qualified(definition.schema, names.staging),
            trigger_function: logChange.name,
            body: logChange.body,
            uncommon: uncommonName,
            settings: SqlFragment.each(SET_ON_FUNCTION, settings, "\n"),
        }),
    ];
}

const SET_ON_FUNCTION = `ALTER FUNCTION audit_trail.:"trigger_function"() SET :"name" = :'value';`;

/**
 * A table's name as a part of function names: plain lower-case letters, because the postgresql provider reads quoted ones
 * back with their quotes. Two tables may share it; the hash behind it tells them apart.
 */
function functionNameBase({ schema, table }: TableName): string {
    return `${schema}_${table}`
        .toLowerCase()
        .replace(/[^a-z0-9_]+/gu, "_")
        .replace(/^(?=[0-9])/u, "t")
        .slice(0, 40);
}

/** A setting of a session. */
interface Setting {
    readonly name: string;
    readonly value: string;
}

/**
 * The settings that the JSON text of a value depends on, by its type; `extra_float_digits` gives the shortest exact text
 * from 1 on. https://www.postgresql.org/docs/current/runtime-config-client.html
 */
const TEXT_SETTINGS: readonly (Setting & { readonly type: RegExp })[] = [
    { type: /^timestamp\b.* with time zone/u, name: "TimeZone", value: "UTC" },
    { type: /^interval\b/u, name: "IntervalStyle", value: "postgres" },
    { type: /^bytea\b/u, name: "bytea_output", value: "hex" },
    { type: /^(real|double precision)\b/u, name: "extra_float_digits", value: "1" },
    { type: /^money\b/u, name: "lc_monetary", value: "C" },
];

/** The settings that the log's function pins for a table, so that its text does not depend on DMS's session. */
export function textSettings({ columns }: TableDefinition): Setting[] {
    return TEXT_SETTINGS.filter(({ type }) => columns.some((column) => type.test(column.type))).map(
        ({ name, value }) => ({ name, value }),
    );
}

/** The key's columns and values, out of a variable of the function that holds the row as jsonb. */
function rowKey(
    image: "before_image" | "after_image",
    key: readonly { column: string }[],
): SqlFragment {
    return SqlFragment.each("jsonb_build_object(:pairs)", [
        { pairs: SqlFragment.each(`:'column', ${image} -> :'column'`, key, ", ") },
    ]);
}
