import { incompressible } from "./values";

/** A column type that the trail accepts, edge values as input texts, and what arrives where that differs. */
export interface TypeCase {
    readonly type: string;
    readonly values: readonly string[];
    /** Input text to the text that arrives. */
    readonly converted?: Readonly<Record<string, string>>;
}

const INFINITE = {
    infinity: "9999-12-31 23:59:59",
    "-infinity": "4713-01-01 00:00:00 BC",
} as const;

/** In the order of chapter 8 of the PostgreSQL manual. */
export const ACCEPTED: readonly TypeCase[] = [
    { type: "smallint", values: ["-32768", "32767", "0"] },
    { type: "integer", values: ["-2147483648", "2147483647"] },
    { type: "bigint", values: ["-9223372036854775808", "9223372036854775807"] },
    { type: "numeric(20,8)", values: ["0.00000001", "-999999999999.99999999", "1", "NaN"] },
    { type: "numeric(38)", values: ["99999999999999999999999999999999999999", "-1"] },
    { type: "numeric(60,20)", values: [`${"9".repeat(40)}.${"1".repeat(20)}`, "0.10"] },
    { type: "real", values: ["3.4028235e38", "1e-45", "0.1", "-0", "NaN", "-Infinity"] },
    {
        type: "double precision",
        values: ["1.7976931348623157e308", "5e-324", "0.1", "-0", "NaN", "Infinity", "-Infinity"],
    },
    { type: "money", values: ["92233720368547758.07", "-92233720368547758.08", "0.1"] },
    { type: "varchar(20)", values: ["", " two  spaces ", "üñ€😀", 'it\'s \\ "q"', "null", "NULL"] },
    { type: "char(6)", values: ["", "a", "abcdef", " b "] },
    { type: "text", values: ["", "a\tb\nc\r\\", "unchanged-toast-datum", incompressible(60_000)] },
    { type: "bytea", values: [String.raw`\x`, String.raw`\x00ff0a5c27`] },
    { type: "timestamp", values: ["0001-01-01", "9999-12-31 23:59:59.999999", "0044-03-15 BC"] },
    { type: "timestamp(3)", values: ["2024-02-29 12:00:00.123"] },
    { type: "timestamp(6)", values: ["infinity", "-infinity"], converted: INFINITE },
    { type: "timestamptz", values: ["2026-10-25 02:30:00.000001+02", "1883-11-18 12:03:58-07:52"] },
    { type: "timestamptz(6)", values: ["infinity", "-infinity"], converted: INFINITE },
    {
        type: "date",
        values: ["2024-02-29", "4713-01-01 BC", "infinity", "-infinity"],
        converted: INFINITE,
    },
    { type: "time", values: ["00:00:00", "23:59:59.999999", "24:00:00"] },
    {
        type: "interval",
        values: ["-1 year 2 mons -3 days 04:05:06.000007", "178000000 years", "0"],
    },
    { type: "boolean", values: ["t", "f"] },
    { type: "bit(5)", values: ["10101", "00000"] },
    { type: "bit varying(70)", values: ["", "1", "01".repeat(35)] },
    {
        type: "uuid",
        values: ["00000000-0000-0000-0000-000000000000", "FFFFFFFF-ffff-4fff-bfff-ffffffffffff"],
    },
    { type: "xml", values: ["<a b='1'>ü &amp; </a>", ""] },
    { type: "json", values: ['{"a":  1.50, "a": 2}', "null", '"\\u00fc"'] },
    {
        type: "jsonb",
        values: ['{"a": 1e400, "b": [null, ""]}', "null", '"ü"', "12345678901234567890.10"],
    },
    { type: "integer[]", values: ["{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[0:1]={5,6}"] },
    { type: "text[]", values: [String.raw`{"a,b","c\"d\\",NULL,"NULL","","{}"}`] },
    { type: "timestamptz[]", values: ['{"2026-01-01 00:00:00.000001+00",infinity}'] },
    { type: "price", values: ["1.50", "0.01"] },
    { type: "citext", values: ["Äb", ""] },
    { type: "hstore", values: ['"a"=>"1", "b"=>NULL, "q"=>"\\""', ""] },
];

/** Domains over an array and over a scalar, next to `price`; scales that are no part of a precision. */
const OTHERS: readonly TypeCase[] = [
    { type: "labels", values: ["{a,NULL}", "{}"] },
    { type: "days", values: ["{2026-03-04,infinity}"] },
    { type: "moment", values: ["2026-03-04 05:06:07+00"] },
    { type: "numeric(3,5)", values: ["0.00999", "-0.00001"] },
    { type: "numeric(10,-3)[]", values: ["{123000,NULL}"] },
    { type: "numeric[]", values: ["{0.1234567890123456789,1e30}"] },
];

function arrayOf({ type, values }: TypeCase): TypeCase {
    // Longer ones, together, would be more than the limit of a large object.
    const elements = values
        .filter((value) => value.length < 1000)
        .map((value) => `"${value.replaceAll(/[\\"]/gu, "\\$&")}"`);
    return { type: `${type}[]`, values: [`{${elements.join(",")},NULL}`, "{}"] };
}

/** Every accepted scalar as an array, and domains: they arrive as they are, infinities included. */
export const COMPOUND: readonly TypeCase[] = [
    ...ACCEPTED.filter(({ type }) => !type.endsWith("[]") && type !== "price").map(arrayOf),
    ...OTHERS,
];

/** What must not get as far as a task. */
export const REFUSED: readonly string[] = [
    ...["numeric", "varchar", "bpchar", "bit varying", '"char"', "name", "timetz"],
    ...["mood", "point", "line", "lseg", "box", "path", "polygon", "circle"],
    ...["inet", "cidr", "macaddr", "macaddr8", "tsvector", "tsquery", "jsonpath"],
    ...["pair", "int4range", "numrange", "tstzrange", "int4multirange", "narrow"],
    ...[
        "oid",
        "regclass",
        "xid",
        "xid8",
        "pg_lsn",
        "pg_snapshot",
        "mood[]",
        "inet[]",
        "numrange[]",
        "price[]",
    ],
];

/** The types of the lists above that are not PostgreSQL's own. */
export const TYPE_DDL =
    'CREATE EXTENSION citext; CREATE SCHEMA "Extra types"; CREATE EXTENSION hstore SCHEMA "Extra types"; ' +
    'SET search_path = public, "Extra types"; ' +
    "CREATE DOMAIN price AS numeric(8,2) CHECK (VALUE > 0); " +
    "CREATE DOMAIN labels AS text[]; CREATE DOMAIN days AS date[]; CREATE DOMAIN moment AS timestamptz; " +
    "CREATE DOMAIN narrow AS price CHECK (VALUE < 9); CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (a integer, b integer)";
