import { roles } from "../names";
import { type CaptureFacts, captureProblems } from "./capture";
import { HEADER_COLUMNS } from "./headers";
import { formatTableName, trailNames } from "./names";
import type { ColumnShape, ExtensionName, TableName, TableShape } from "./shape";

/** One row of sql/source/catalog.sql, as pg hands it over. */
export interface CatalogRow extends CaptureFacts {
    /** `pg_class.relkind`; null when there is no such table. */
    readonly relkind: string | null;
    readonly oid: string | null;
    readonly is_partition: boolean;
    readonly columns: readonly CatalogColumn[];
    /** Whether row security hides rows from the session that asks. */
    readonly hides_rows_from_me?: boolean | null;
    /** Whether it has BEFORE triggers that can change the row of any UPDATE. */
    readonly updates_are_rewritten?: boolean;
    /** Names of the guards that are there and work. */
    readonly guards?: readonly string[];
    /** Of a table that is missing: what it is called now that had its name; null when there is no such table any more. */
    readonly now_called?: TableName | null;
}

/** One row of sql/source/former_names.sql. */
export interface FormerName extends TableName {
    readonly oid: string;
}

/**
 * Adds to the rows of missing tables what has become of the tables that had their names.
 *
 * @param knownOids of each table's last known `pg_class.oid`, in the order of the rows; undefined where none is known
 * @param find runs sql/source/former_names.sql
 */
export async function withWhereabouts(
    rows: readonly CatalogRow[],
    knownOids: readonly (string | undefined)[],
    find: (oids: readonly string[]) => Promise<readonly FormerName[]>,
): Promise<CatalogRow[]> {
    const missing = knownOids.filter(
        (oid, index): oid is string => oid !== undefined && rows[index]?.relkind === null,
    );
    const found = missing.length === 0 ? [] : await find(missing);
    return rows.map((row, index) => {
        const oid = knownOids[index];
        if (row.relkind !== null || oid === undefined) {
            return row;
        }
        const now = found.find((one) => one.oid === oid);
        const nowCalled = now === undefined ? null : { schema: now.schema, table: now.table };
        return { ...row, oid, now_called: nowCalled };
    });
}

/** A column, and what is needed to judge its type: that of an array's elements for an array. */
export interface CatalogColumn extends Omit<ColumnShape, "extension" | "missing"> {
    readonly element: string;
    /** `pg_type.typtype`. */
    readonly elementKind: string;
    /** Whether the type belongs to `pg_catalog`. */
    readonly builtIn: boolean;
    /** Which extension the type belongs to. */
    readonly extension?: ExtensionName | null;
    readonly missing?: string | null;
    /** The name of its collation if that is not deterministic. */
    readonly looseCollation?: string | null;
}

/** Parameters of sql/source/catalog.sql for these tables, whose rows DMS's user loads. */
export function catalogParameters(tables: readonly TableName[]): [string[], string[], string] {
    return [tables.map(({ schema }) => schema), tables.map(({ table }) => table), roles.source];
}

const KINDS: Readonly<Record<string, string>> = {
    p: "a partitioned table",
    v: "a view",
    m: "a materialized view",
    f: "a foreign table",
};

const TYPE_KINDS: Readonly<Record<string, string>> = {
    c: "composite",
    e: "enum",
    m: "multirange",
    p: "pseudo",
    r: "range",
};

/**
 * PostgreSQL's own types that DMS carries to PostgreSQL, by `pg_type.typname`; docs/types.md says how. Others would
 * arrive empty, changed or not at all, and the log would be wrong without saying so. They are listed by what is
 * carried, so that a type nobody thought of is refused.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
 */
const CARRIED_TYPES = new Set([
    ...["int2", "int4", "int8", "numeric", "float4", "float8", "money", "bool", "uuid"],
    ...["bpchar", "varchar", "text", "bytea", "bit", "varbit", "xml", "json", "jsonb"],
    ...["date", "time", "timestamp", "timestamptz", "interval"],
]);

/** Types of extensions that DMS knows. */
const CARRIED_EXTENSION_TYPES = new Set(["citext", "hstore"]);

/** Types, as `format_type()` writes them, that DMS cuts because nothing says how long they may get. */
const UNBOUNDED_TYPES: Readonly<Record<string, string>> = {
    numeric: "rounds to six decimal places: give it a precision and a scale, as in numeric(20,8)",
    "character varying": "cuts at 8000 bytes: give it a length, or make it text",
    bpchar: "cuts at 8000 bytes: give it a length, or make it text",
    "bit varying": "carries only up to a declared length: give it one",
};

/** Types that DMS treats as large objects, next to all arrays. */
const LARGE_OBJECT_TYPES = new Set("text citext bytea xml json jsonb hstore".split(" "));

/**
 * Turns the catalog's rows into table shapes.
 *
 * @throws Error with one sentence per problem, each naming the table and what to do
 */
export function tableShapes(rows: readonly CatalogRow[]): TableShape[] {
    refuse([
        ...rows.flatMap((row) => [
            ...relationProblems(row),
            ...(row.relkind === "r" ? [...captureProblems(row), ...allColumnProblems(row)] : []),
        ]),
        ...nameCollisions(rows),
    ]);
    return rows.map(shapeOfRow);
}

/**
 * Turns the catalog's rows into shapes for a comparison, which can be made of tables that no deployment would accept: what
 * an application did to one of them must not keep verify from the others.
 *
 * @throws Error with one sentence for each table that is no table or has no key
 */
export function comparableShapes(rows: readonly CatalogRow[]): TableShape[] {
    refuse(rows.flatMap(relationProblems));
    return rows.map(shapeOfRow);
}

function refuse(problems: readonly string[]): void {
    if (problems.length > 0) {
        throw new Error([...new Set(problems)].join("\n"));
    }
}

function shapeOfRow(row: CatalogRow): TableShape {
    return {
        ...nameOf(row),
        oid: row.oid ?? "",
        columns: row.columns.map(columnShape),
        primaryKey: [...row.primary_key],
    };
}

function columnShape(column: CatalogColumn): ColumnShape {
    const { name, type, notNull, generated, identity, attnum, extension, missing } = column;
    return {
        ...{ name, type, notNull, generated, identity, attnum },
        ...(extension ? { extension } : {}),
        ...(typeof missing === "string" ? { missing } : {}),
    };
}

function nameOf(row: CatalogRow): TableName {
    return { schema: row.table_schema, table: row.table_name };
}

function relationProblems(row: CatalogRow): string[] {
    const table = formatTableName(nameOf(row));
    if (row.relkind === null) {
        return [missingTable(table, row.now_called)];
    }
    if (row.relkind !== "r") {
        return [
            `${table} is ${KINDS[row.relkind] ?? "no table"}, of which DMS replicates no changes: list the plain tables behind it.`,
        ];
    }
    return row.primary_key.length > 0
        ? []
        : [
              `The table ${table} has no primary key, and without one DMS ignores its updates and deletes: add one.`,
          ];
}

function missingTable(table: string, nowCalled: TableName | null | undefined): string {
    const missing = `The table ${table} does not exist in the source database`;
    if (nowCalled === undefined) {
        return `${missing}: create it, or correct its name (names are case-sensitive).`;
    }
    return nowCalled === null
        ? `${missing} any more: take it from the list, which keeps its log, or create it again.`
        : `${missing} any more, and is called ${formatTableName(nowCalled)} now: list it under that name, which begins a new log and keeps the old one.`;
}

function allColumnProblems(row: CatalogRow): string[] {
    const table = formatTableName(nameOf(row));
    return row.columns.flatMap((column) =>
        columnProblems(table, column, row.primary_key.includes(column.name)),
    );
}

function columnProblems(table: string, column: CatalogColumn, inKey: boolean): string[] {
    const problems: string[] = [];
    const where = `The column "${column.name}" of ${table}`;
    if (HEADER_COLUMNS.includes(column.name)) {
        problems.push(
            `${where} has the name of a column that DMS adds to staging (${HEADER_COLUMNS.join(", ")}): rename it.`,
        );
    }
    if (/[#\\/-]/u.test(column.name)) {
        problems.push(
            `${where} has one of the characters # \\ / - in its name, and DMS cannot transform such a column: rename it.`,
        );
    }
    const type = refusedType(column);
    if (type !== undefined) {
        problems.push(
            `${where} has the ${type}, which DMS does not replicate: change it to a type such as text, or leave the table out.`,
        );
    }
    const cut = UNBOUNDED_TYPES[column.type];
    if (cut !== undefined) {
        problems.push(
            `${where} has the type ${column.type} without a limit, which DMS ${cut}, or leave the table out.`,
        );
    }
    if (inKey && (column.type.endsWith("[]") || LARGE_OBJECT_TYPES.has(column.element))) {
        problems.push(
            `${where} is part of the primary key and has the type ${column.type}, which DMS treats as a large object and cannot find rows by: change it to varchar(n), or leave the table out.`,
        );
    }
    return problems;
}

function refusedType(column: CatalogColumn): string | undefined {
    if (column.elementKind === "d") {
        return column.type.endsWith("[]")
            ? `type ${column.type}, an array of a domain`
            : `domain over the domain ${column.type}`;
    }
    const kind = TYPE_KINDS[column.elementKind];
    if (kind !== undefined) {
        return `${kind} type ${column.type}`;
    }
    const carried = column.builtIn ? CARRIED_TYPES : CARRIED_EXTENSION_TYPES;
    return carried.has(column.element) ? undefined : `type ${column.type}`;
}

function nameCollisions(rows: readonly CatalogRow[]): string[] {
    const owners = new Map<string, string>();
    const problems: string[] = [];
    for (const row of rows) {
        const table = formatTableName(nameOf(row));
        const names = trailNames(nameOf(row));
        const taken = [
            formatTableName({ schema: row.table_schema, table: names.staging }),
            formatTableName({ schema: row.table_schema, table: names.auditLog }),
            formatTableName({ schema: "audit_trail", table: names.tombstone }),
        ];
        const clash = taken.find((name) => owners.has(name));
        if (clash !== undefined) {
            problems.push(
                `The tables ${String(owners.get(clash))} and ${table} would both get an object named ${clash} on the audit cluster: list each table once, or rename one.`,
            );
        }
        for (const name of taken) {
            owners.set(name, table);
        }
    }
    return problems;
}
