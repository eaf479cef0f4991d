import fc from "fast-check";
import { escapeIdentifier, escapeLiteral } from "pg";
import type { TableName } from "../../trail/tableDefinition";
import { incompressible } from "./values";

/** A column that the workload writes, and the texts it writes. */
interface DataColumn {
    readonly name: string;
    readonly type: string;
    /** Input texts; null is one of them. */
    readonly pool: readonly (string | null)[];
}

interface KeyColumn {
    readonly name: string;
    readonly type: string;
    /** The value of key number n. */
    readonly value: (n: number) => string;
}

/** A random source table. Its rows are named by small numbers, which `key` turns into values. */
export interface RandomTable extends TableName {
    readonly key: readonly KeyColumn[];
    readonly data: readonly DataColumn[];
    /** A generated column (twice the data column "amount") and an identity column, which nobody writes. */
    readonly hasGenerated: boolean;
    readonly fullIdentity: boolean;
}

const KEY_TYPES: readonly Omit<KeyColumn, "name">[] = [
    { type: "integer", value: (n) => String(n - 1) },
    { type: "bigint", value: (n) => String(9_007_199_254_740_993n + BigInt(n)) },
    { type: "character varying(40)", value: (n) => `k ${n} "ü" \\ '${"'".repeat(n)}` },
    { type: "uuid", value: (n) => `00000000-0000-4000-8000-00000000000${n}` },
    { type: "timestamp with time zone", value: (n) => `2026-03-29 01:59:59.99999${n}+02` },
    { type: "character(5)", value: (n) => `c${n}` },
    { type: "date", value: (n) => `1999-12-3${n % 2}` },
    { type: "numeric(8,3)", value: (n) => `-${n}.5${n}` },
];

const DATA_TYPES: readonly Omit<DataColumn, "name">[] = [
    { type: "integer", pool: ["0", "-2147483648", "2147483647", null] },
    { type: "bigint", pool: ["9223372036854775807", "-9223372036854775808", null] },
    { type: "numeric(20,5)", pool: ["0.00001", "-123456789012345.67891", "1", null] },
    { type: "double precision", pool: ["0.1", "1e300", "-2.2250738585072014e-308", null] },
    { type: "text", pool: ["", "ü\n\t\\ 'q' \"d\"", "null", incompressible(9_000), null] },
    { type: "character varying(30)", pool: ["", " spaces ", "unchanged-toast-datum", null] },
    { type: "character(4)", pool: ["a", "abcd", null] },
    { type: "bytea", pool: [String.raw`\x`, String.raw`\x00ff5c27`, null] },
    { type: "boolean", pool: ["t", "f", null] },
    { type: "timestamp without time zone", pool: ["2024-02-29 23:59:59.123456", null] },
    {
        type: "timestamp with time zone",
        pool: ["2026-10-25 02:30:00.000001+01", "1901-01-01", null],
    },
    { type: "interval", pool: ["1 year -2 days 03:04:05.000006", null] },
    { type: "uuid", pool: ["123e4567-e89b-12d3-a456-426614174000", null] },
    { type: "jsonb", pool: ['{"a": [1, 1.50, "ü\\"", null]}', '"x"', "null", null] },
    { type: "integer[]", pool: ["{}", "{1,NULL,-3}", "{{1,2},{3,4}}", null] },
    { type: "text[]", pool: [String.raw`{"a b","c\"d\\",NULL,"null",""}`, null] },
    { type: "bit(5)", pool: ["10101", null] },
];

const SCHEMAS = ["public", 'My "Schéma".x', "select"];
const NAMES = [
    "items",
    "Order Lines",
    'T"a.b"l\'e',
    "user",
    "naïve 表",
    "a_table_name_that_is_as_long_as_PostgreSQL_can_keep_it_whole_ü",
];
const COLUMN_NAMES = ["id", "Größe", "select", 'q"q', "it's $1", "a.b", "%s", "new", "old", "ok "];

/** One to three tables, no two of the same name. */
export const randomTables: fc.Arbitrary<RandomTable[]> = fc
    .uniqueArray(fc.tuple(fc.nat(SCHEMAS.length - 1), fc.nat(NAMES.length - 1)), {
        minLength: 1,
        maxLength: 3,
        selector: ([schema, name]) => `${schema} ${name}`,
    })
    .chain((names) =>
        fc.tuple(
            ...names.map(([schema, name]) =>
                fc
                    .record({
                        keyTypes: fc.array(fc.nat(KEY_TYPES.length - 1), {
                            minLength: 1,
                            maxLength: 2,
                        }),
                        dataTypes: fc.array(fc.nat(DATA_TYPES.length - 1), {
                            minLength: 1,
                            maxLength: 4,
                        }),
                        firstName: fc.nat(COLUMN_NAMES.length - 1),
                        hasGenerated: fc.boolean(),
                        fullIdentity: fc.boolean(),
                    })
                    .map((draft) => tableOf(schema, name, draft)),
            ),
        ),
    );

interface TableDraft {
    readonly keyTypes: readonly number[];
    readonly dataTypes: readonly number[];
    readonly firstName: number;
    readonly hasGenerated: boolean;
    readonly fullIdentity: boolean;
}

function tableOf(schema: number, table: number, draft: TableDraft): RandomTable {
    const { keyTypes, dataTypes, firstName, hasGenerated, fullIdentity } = draft;
    const nameAt = (at: number): string =>
        pick(COLUMN_NAMES, (firstName + at) % COLUMN_NAMES.length);
    // A date alone tells only two keys apart.
    const telling = keyTypes.some((type) => pick(KEY_TYPES, type).type !== "date")
        ? keyTypes
        : [...keyTypes, 0];
    return {
        schema: pick(SCHEMAS, schema),
        table: pick(NAMES, table),
        key: telling.map((type, at) => ({ ...pick(KEY_TYPES, type), name: nameAt(at) })),
        data: [
            ...dataTypes.map((type, at) => ({
                ...pick(DATA_TYPES, type),
                name: nameAt(telling.length + at),
            })),
            ...(hasGenerated ? [{ ...pick(DATA_TYPES, 0), name: "amount" }] : []),
        ],
        hasGenerated,
        fullIdentity,
    };
}

function pick<T>(values: readonly T[], index: number): T {
    const value = values[index];
    if (value === undefined) {
        throw new RangeError(`There is no number ${index} among ${values.length}.`);
    }
    return value;
}

/** The texts of key number n. */
export function keyValues(table: RandomTable, n: number): string[] {
    return table.key.map((column) => column.value(n));
}

/** The texts of row version v; versions differ where the pools allow it. */
export function dataValues(table: RandomTable, version: number): (string | null)[] {
    return table.data.map(({ pool }, at) => pool[(version + at) % pool.length] ?? null);
}

export function qualified({ schema, table }: TableName): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
}

/** Columns in an order in which the key is not always first. */
export function createTable(table: RandomTable): string {
    const quote = escapeIdentifier;
    const columns = [
        ...table.data.map(({ name, type }) => `${quote(name)} ${type}`),
        ...(table.hasGenerated
            ? [
                  "serial_no bigint GENERATED ALWAYS AS IDENTITY",
                  "twice bigint GENERATED ALWAYS AS (amount::bigint * 2) STORED",
              ]
            : []),
        ...table.key.map(({ name, type }) => `${quote(name)} ${type}`),
        `PRIMARY KEY (${table.key.map(({ name }) => quote(name)).join(", ")})`,
    ];
    const { schema } = table;
    return [
        `CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`,
        `CREATE TABLE ${qualified(table)} (${columns.join(", ")})`,
        ...(table.fullIdentity ? [`ALTER TABLE ${qualified(table)} REPLICA IDENTITY FULL`] : []),
    ].join("; ");
}

/** `(a, b) IN ((..), (..))` for these keys, values as typed literals. */
export function keyTest(table: RandomTable, keys: readonly number[]): string {
    const names = table.key.map(({ name }) => escapeIdentifier(name)).join(", ");
    const rows = keys.map((n) => `(${keyLiterals(table, n).join(", ")})`);
    return `(${names}) IN (${rows.join(", ")})`;
}

export function keyLiterals(table: RandomTable, n: number): string[] {
    return table.key.map(({ type, value }) => `${escapeLiteral(value(n))}::${type}`);
}

export function dataLiterals(table: RandomTable, version: number): string[] {
    return dataValues(table, version).map((value) =>
        value === null ? "NULL" : escapeLiteral(value),
    );
}
