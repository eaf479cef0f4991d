import { escapeIdentifier, escapeLiteral } from "pg";
import type { TableName } from "../../../trail/tableDefinition";
import { qualified } from "../tables";

export const SOAK_TABLES: readonly TableName[] = [
    { schema: "public", table: "items" },
    { schema: "Sales.EU", table: 'Order "Lines"' },
    { schema: "public", table: "documents" },
];

/** Tables, a few rows for the baseline, and the oracle: each row trigger's record commits or vanishes with its change. */
export const SOAK_DDL = [
    "CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10,2) NOT NULL)",
    'CREATE SCHEMA "Sales.EU"',
    `CREATE TABLE "Sales.EU"."Order ""Lines""" ("Order Id" varchar(20), line smallint, quantity numeric(12,3),
        at timestamptz, total numeric(14,3) GENERATED ALWAYS AS (quantity * 2) STORED, PRIMARY KEY (line, "Order Id"))`,
    "CREATE TABLE documents (id bigint PRIMARY KEY, title varchar(40), body text, tags text[], data jsonb)",
    "INSERT INTO items SELECT n, 'start', n FROM generate_series(0, 49) AS n",
    "INSERT INTO documents SELECT n, 'start', repeat(md5(n::text), 300) FROM generate_series(0, 9) AS n",
    `CREATE TABLE history (change_id bigint GENERATED ALWAYS AS IDENTITY, table_name text, operation text,
        old_row jsonb, new_row jsonb, xid xid DEFAULT pg_current_xact_id()::xid)`,
    `CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.history (table_name, operation, old_row, new_row)
            VALUES (TG_TABLE_NAME, left(TG_OP, 1), to_jsonb(OLD), to_jsonb(NEW));
        RETURN NULL; END $$`,
    ...SOAK_TABLES.map(
        (table) =>
            `CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON ${qualified(table)} FOR EACH ROW EXECUTE FUNCTION remember()`,
    ),
].join("; ");

/**
 * A column that nobody writes, and that no comparison with the source's record looks at: what a log row has of it depends on
 * when the program was updated. Its type gives the log's function another setting, and with it another name.
 */
export const COMING_AND_GOING = {
    name: "more",
    add: "ALTER TABLE items ADD COLUMN more interval",
    drop: "ALTER TABLE items DROP COLUMN more",
} as const;

/** The columns of each table's key, for the oracle. */
export const SOAK_KEYS: Readonly<Record<string, readonly string[]>> = {
    items: ["item_id"],
    'Order "Lines"': ["line", "Order Id"],
    documents: ["id"],
};

const ROWS: Readonly<Record<string, (n: number, v: number) => readonly [string, string]>> = {
    items: (n, v) => [`(item_id, name, price)`, `(${n}, 'v ${v}', ${v / 100})`],
    'Order "Lines"': (n, v) => [
        `(line, "Order Id", quantity, at)`,
        `(${n % 3}, 'Ω ${Math.floor(n / 3)}', ${v / 1000}, clock_timestamp())`,
    ],
    documents: (n, v) => [
        `(id, title, body, tags, data)`,
        `(${n}, 't ${v}', repeat(md5('${v}'), ${v % 5 === 0 ? 300 : 2}), ARRAY['a b', NULL, '${v}'], '{"v": ${v}.50}')`,
    ],
};

const SETS: Readonly<Record<string, (v: number) => string>> = {
    items: (v) => `price = t.price + ${v % 7}`,
    'Order "Lines"': (v) => `quantity = ${v}, at = clock_timestamp()`,
    // The body stays: it is out of line, and then not in the WAL.
    documents: (v) => (v % 3 === 0 ? "title = t.title" : `title = 'u ${v}'`),
};

export type SoakKind = "insert" | "upsert" | "update" | "touch" | "delete" | "range";

/** One statement on key number n of a table. */
export function soakStatement(
    { schema, table }: TableName,
    kind: SoakKind,
    n: number,
    v: number,
): string {
    const name = qualified({ schema, table });
    const [columns, values] = ROWS[table]?.(n, v) ?? ["", ""];
    const keys = SOAK_KEYS[table] ?? [];
    const [, other = ""] = ROWS[table]?.(n + 1, v) ?? [];
    const sets = SETS[table]?.(v) ?? "";
    const where = keyTest(table, n);
    switch (kind) {
        case "insert":
            return `INSERT INTO ${name} ${columns} VALUES ${values}, ${other} ON CONFLICT DO NOTHING`;
        case "upsert":
            return `INSERT INTO ${name} AS t ${columns} VALUES ${values} ON CONFLICT (${keys.map(escapeIdentifier).join(", ")}) DO UPDATE SET ${sets}`;
        case "update":
            return `UPDATE ${name} AS t SET ${sets} WHERE ${where}`;
        case "touch":
            return `UPDATE ${name} SET ${escapeIdentifier(keys[0] ?? "")} = ${escapeIdentifier(keys[0] ?? "")} WHERE ${where}`;
        case "delete":
            return `DELETE FROM ${name} WHERE ${where}`;
        case "range":
            return `UPDATE ${name} AS t SET ${sets} WHERE ${where} OR ${keyTest(table, n + 1)}`;
    }
}

function keyTest(table: string, n: number): string {
    switch (table) {
        case "items":
            return `item_id = ${n}`;
        case "documents":
            return `id = ${n}`;
        default:
            return `(line = ${n % 3} AND "Order Id" = ${escapeLiteral(`Ω ${Math.floor(n / 3)}`)})`;
    }
}
