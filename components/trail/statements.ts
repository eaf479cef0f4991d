import { escapeIdentifier } from "pg";

import { formatTableName, ROLES, TRAIL_SCHEMA, trailNames } from "./names";
import type { SqlFile, TableName, TableShape } from "./shape";
import { renderSql, SqlFragment, type Variables } from "./template";

/** The log function of one table, in the words of the postgresql provider's Function resource. */
export interface TriggerFunction {
    readonly schema: string;
    readonly name: string;
    /** PL/pgSQL, returns trigger, to be made SECURITY DEFINER; needs {@link triggerObjects} after every change. */
    readonly body: string;
}

/** Privileges that one role needs on a schema, or on tables of it. */
export interface TrailGrant {
    readonly role: string;
    readonly schema: string;
    readonly tables?: readonly string[];
    readonly privileges: readonly string[];
}

/**
 * Once per audit cluster: the gap ledger, the ledger of changes that could not be logged, the registry of tables,
 * what auditors query, and the functions that all trails share. The schema `audit_trail` and the roles must exist, the owner must hold what
 * {@link grants} says, and the executing user must be a member of it. All scripts of this module can be run again;
 * each must run inside a transaction, because it changes the role with SET LOCAL.
 */
export function foundation(): SqlFile[] {
    const files = [
        "ledger",
        "registry",
        "functions",
        "slots",
        "collect_gaps",
        "maintain",
        "queries",
        "acknowledge",
    ];
    return files.map((file) => renderSql(`sql/audit/${file}.sql`));
}

/**
 * One table's staging table, log and tombstones, and the extensions that its types come from. On a trail that is already
 * there it adds and widens columns of staging, gives a renamed column the values of the old one, and adds partitions; it
 * drops nothing, and it fails when the source's primary key is another one.
 */
export function tableObjects(shape: TableShape): SqlFile[] {
    const names = trailNames(shape);
    const source = formatTableName(shape);
    const key = new Set(shape.primaryKey);
    const columns = shape.columns.map((column) => ({
        name: column.name,
        type: SqlFragment.type(column.type),
        type_name: column.type,
        in_key: SqlFragment.boolean(key.has(column.name)),
        missing: SqlFragment.nullable(column.missing),
    }));
    const extensions = new Map(
        shape.columns.flatMap(({ extension }) =>
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
            schema: shape.schema,
            staging: names.staging,
            staging_name: qualified(shape.schema, names.staging),
            columns: SqlFragment.each(':"name" :type', columns),
            column_rows: SqlFragment.each(
                "(:'name', :'type_name', :in_key, :missing)",
                columns,
                ",\n        ",
            ),
            key_columns: SqlFragment.identifiers(shape.primaryKey),
            key_names: SqlFragment.literals(shape.primaryKey),
            comment: `Current rows of ${source}, written by AWS DMS alone.`,
        }),
        renderSql("sql/audit/audit_log.sql", {
            schema: shape.schema,
            audit_log: names.auditLog,
            audit_log_name: qualified(shape.schema, names.auditLog),
            partition_prefix: names.partitionPrefix,
            row_key_index: names.rowKeyIndex,
            time_index: names.timeIndex,
            comment: `Every change of ${source}: old row, new row, the source's commit time. Append-only.`,
        }),
        renderSql("sql/audit/tombstone.sql", {
            schema: shape.schema,
            table: shape.table,
            tombstone: names.tombstone,
            tombstone_name: qualified(TRAIL_SCHEMA, names.tombstone),
        }),
        renderSql("sql/audit/register.sql", {
            schema: shape.schema,
            table: shape.table,
            staging: names.staging,
            audit_log: names.auditLog,
            tombstone: names.tombstone,
            partition_prefix: names.partitionPrefix,
            key_names: SqlFragment.literals(shape.primaryKey),
            column_names: SqlFragment.literals(shape.columns.map(({ name }) => name)),
            column_types: SqlFragment.literals(shape.columns.map(({ type }) => type)),
            oid: shape.oid,
            attnums: SqlFragment.literals(shape.columns.map(({ attnum }) => String(attnum))),
            missing: SqlFragment.each(":missing", columns, ", "),
        }),
    ];
}

/**
 * The function behind the trigger on staging. Its text depends on the table's names and key, not on its other
 * columns, so a column that comes or goes needs no new function.
 *
 * @throws Error when a name contains a dollar quote, which would end the body early
 */
export function triggerFunction(shape: TableShape): TriggerFunction {
    const names = trailNames(shape);
    const key = shape.primaryKey.map((column) => ({ column }));
    const variables: Variables = {
        schema: shape.schema,
        table: shape.table,
        staging: names.staging,
        audit_log: names.auditLog,
        tombstone: names.tombstone,
        new_key: rowKey("after_image", key),
        old_key: rowKey("before_image", key),
    };
    const { sql } = renderSql("sql/audit/log_change.sql", variables);
    if (/\$\w*\$/u.test(sql)) {
        throw new Error(
            `The table ${formatTableName(shape)} or a column of its primary key has a name with a dollar quote ($...$), which a function body cannot hold; rename it.`,
        );
    }
    return { schema: TRAIL_SCHEMA, name: names.triggerFunction, body: sql };
}

/**
 * Owner, settings and triggers around {@link triggerFunction}. To be run after the function exists, and again whenever
 * its body has changed.
 */
export function triggerObjects(shape: TableShape): SqlFile[] {
    const names = trailNames(shape);
    const trigger_function = names.triggerFunction;
    const files = [
        renderSql("sql/audit/trigger.sql", {
            schema: shape.schema,
            table: shape.table,
            staging: names.staging,
            trigger_function,
        }),
    ];
    const settings = textSettings(shape);
    if (settings.length > 0) {
        const rows = settings.map((setting) => ({ ...setting, trigger_function }));
        files.push(
            renderSql("sql/audit/trigger_settings.sql", {
                settings: SqlFragment.each(SET_ON_FUNCTION, rows, "\n"),
            }),
        );
    }
    return files;
}

const SET_ON_FUNCTION = `ALTER FUNCTION audit_trail.:"trigger_function"() SET :"name" = :'value';`;

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
];

/** The settings that the log's function pins for a table, so that its text does not depend on DMS's session. */
export function textSettings({ columns }: TableShape): Setting[] {
    return TEXT_SETTINGS.filter(({ type }) => columns.some((column) => type.test(column.type))).map(
        ({ name, value }) => ({ name, value }),
    );
}

/**
 * What the roles need on the schemas before the scripts run: the owner to make its objects, DMS and the auditor to find
 * theirs. What they may do with the tables, the tables' own scripts say, so that no table is ever without it.
 */
export function grants({ schema }: TableName): TrailGrant[] {
    return [
        { role: ROLES.owner, schema: TRAIL_SCHEMA, privileges: ["CREATE", "USAGE"] },
        { role: ROLES.owner, schema, privileges: ["CREATE", "USAGE"] },
        { role: ROLES.dms, schema, privileges: ["USAGE"] },
        { role: ROLES.auditor, schema, privileges: ["USAGE"] },
        { role: ROLES.auditor, schema: TRAIL_SCHEMA, privileges: ["USAGE"] },
    ];
}

function qualified(schema: string, name: string): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
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
