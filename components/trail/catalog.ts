import { formatTableName, HEADER_COLUMNS, trailNames } from "./names";
import type { ColumnShape, TableName, TableShape } from "./shape";

/** One row of sql/source/catalog.sql, as pg hands it over. */
export interface CatalogRow {
    readonly table_schema: string;
    readonly table_name: string;
    /** `pg_class.relkind`; null when there is no such table. */
    readonly relkind: string | null;
    readonly is_partition: boolean;
    readonly columns: readonly CatalogColumn[];
    readonly primary_key: readonly string[];
}

/** A column, and what is needed to judge its type: that of an array's elements for an array. */
export interface CatalogColumn extends ColumnShape {
    readonly element: string;
    /** `pg_type.typtype`. */
    readonly elementKind: string;
    /** Whether the type belongs to `pg_catalog`. */
    readonly builtIn: boolean;
}

/** Parameters of sql/source/catalog.sql for these tables. */
export function catalogParameters(tables: readonly TableName[]): [string[], string[]] {
    return [tables.map(({ schema }) => schema), tables.map(({ table }) => table)];
}

const KINDS: Readonly<Record<string, string>> = {
    p: "a partitioned table",
    v: "a view",
    m: "a materialized view",
    f: "a foreign table",
};

const TYPE_KINDS: Readonly<Record<string, string>> = {
    c: "composite",
    d: "domain over a domain",
    e: "enum",
    m: "multirange",
    p: "pseudo",
    r: "range",
};

/**
 * Types that DMS does not carry from PostgreSQL to PostgreSQL (the DMS guide's page on PostgreSQL sources): they
 * would arrive empty or changed, and the log would be wrong without saying so.
 */
const REFUSED_TYPES = new Set([
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "tsvector",
    "tsquery",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
]);

/** Types of extensions that DMS knows. */
const KNOWN_EXTENSION_TYPES = new Set(["citext", "hstore"]);

/**
 * Turns the catalog's rows into table shapes.
 *
 * @throws Error with one sentence per problem, each naming the table and what to do
 */
export function tableShapes(rows: readonly CatalogRow[]): TableShape[] {
    const problems = [...rows.flatMap(tableProblems), ...nameCollisions(rows)];
    if (problems.length > 0) {
        throw new Error(problems.join("\n"));
    }
    return rows.map((row) => ({
        ...nameOf(row),
        columns: row.columns.map(({ name, type, notNull, generated, identity }) => ({
            name,
            type,
            notNull,
            generated,
            identity,
        })),
        primaryKey: [...row.primary_key],
    }));
}

function nameOf(row: CatalogRow): TableName {
    return { schema: row.table_schema, table: row.table_name };
}

function tableProblems(row: CatalogRow): string[] {
    const table = formatTableName(nameOf(row));
    if (row.relkind === null) {
        return [
            `The table ${table} does not exist in the source database: create it, or correct its name (names are case-sensitive).`,
        ];
    }
    if (row.relkind !== "r") {
        return [
            `${table} is ${KINDS[row.relkind] ?? "no table"}, of which DMS replicates no changes: list the plain tables behind it.`,
        ];
    }
    const problems: string[] = [];
    if (row.primary_key.length === 0) {
        problems.push(
            `The table ${table} has no primary key, and without one DMS ignores its updates and deletes: add one.`,
        );
    }
    return [...problems, ...row.columns.flatMap((column) => columnProblems(table, column))];
}

function columnProblems(table: string, column: CatalogColumn): string[] {
    const problems: string[] = [];
    const where = `The column "${column.name}" of ${table}`;
    if ((HEADER_COLUMNS as readonly string[]).includes(column.name)) {
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
    return problems;
}

function refusedType(column: CatalogColumn): string | undefined {
    const kind = TYPE_KINDS[column.elementKind];
    if (kind !== undefined) {
        return `${kind} type ${column.type}`;
    }
    const known = column.builtIn
        ? !REFUSED_TYPES.has(column.element)
        : KNOWN_EXTENSION_TYPES.has(column.element);
    return known ? undefined : `type ${column.type}`;
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
