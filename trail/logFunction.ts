import { createHash } from "node:crypto";
import {
    qualified,
    renderSql,
    type SqlFile,
    SqlFragment,
    type Variables,
} from "../database/sqlTemplate";
import { addedColumns, carriedColumns } from "./headerColumns";
import { carriedInsert, headerNames } from "./headerFragments";
import { formatTableName, trailNames } from "./names";
import { schemas } from "./rolesAndSchemas";
import { SCHEMA_VERSION } from "./schemaVersion";
import type { TableDefinition, TableName } from "./tableDefinition";
import { hasDollarQuote } from "./tableLimits";

/** The log function of one table, in the words of the postgresql provider's Function resource. */
export interface TriggerFunction {
    readonly schema: string;
    readonly name: string;
    /** PL/pgSQL, returns trigger, to be made SECURITY DEFINER; needs {@link triggerObjects} after every change. */
    readonly body: string;
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
    const carried = carriedColumns(definition);
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
        };
        return {
            body: renderSql("sql/audit/log_change.sql", {
                ...variables,
                headers: headerNames(addedColumns(definition)),
                ...carriedInsert(carried, "NEW"),
                in_partition: only(" AND s.audit_trail_partition = NEW.audit_trail_partition"),
                moved: only(
                    "\n    remarks := audit_trail.remark_move(remarks, NEW.audit_trail_operation, TG_RELID, changed_key, commit_microseconds);",
                ),
            }).sql,
            uncommon: renderSql("sql/audit/log_uncommon.sql", {
                ...variables,
                old_key: rowKey("before_image", key),
                ...carriedInsert(carried, "new_row"),
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
