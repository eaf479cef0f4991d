import { escapeIdentifier } from "pg";
import type { TableName } from "../../../trail/tableDefinition";

/** A table whose name or columns are of some kind, and what becomes of it at the source. */
export interface ChangingTable {
    readonly name: TableName;
    /** Makes it, with a row of the key 1. */
    readonly create: string;
    /** Changes its columns. */
    readonly alter: string;
    /** A change of the row with the key 1 thereafter. */
    readonly update: string;
    /** The old and the new row of that change in the log. */
    readonly logged: readonly [
        Readonly<Record<string, unknown>>,
        Readonly<Record<string, unknown>>,
    ];
}

/** As SQL writes a table's name. */
function written({ schema, table }: TableName): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
}

const QUOTED: TableName = { schema: "Sales", table: `it's "quoted" ß` };
/** As long as PostgreSQL keeps a name. */
const LONG: TableName = { schema: "public", table: "Three_bytes".padEnd(63, "_21") };
const PLAIN: TableName = { schema: "public", table: "changing" };
/** Its columns are called like those of the log, and like those of DMS in staging but for their prefix. */
const HEADERS: TableName = { schema: "public", table: "operation" };

/** Tables that do not stay what they are called: this one is dropped, */
export const DROPPED: TableName = { schema: "public", table: "dropped" };
/** this one is renamed and moved to another schema, */
export const MOVING: TableName = { schema: "public", table: "moving" };
/** and this is what it is called then. */
export const MOVED: TableName = { schema: "Sales", table: "moved" };

export const MAKE_GOING = [DROPPED, MOVING]
    .map(
        (name) =>
            `CREATE TABLE ${written(name)} (id integer PRIMARY KEY); INSERT INTO ${written(name)} VALUES (1)`,
    )
    .join("; ");
export const GO = `DROP TABLE ${written(DROPPED)}; ALTER TABLE ${written(MOVING)} RENAME TO moved;
    ALTER TABLE public.moved SET SCHEMA "Sales"`;

/** Kinds of names, and kinds of changes of columns. */
export const CHANGING: readonly ChangingTable[] = [
    {
        name: QUOTED,
        create: `CREATE TABLE ${written(QUOTED)} ("Id" integer PRIMARY KEY, "v ""1""" text);
            INSERT INTO ${written(QUOTED)} VALUES (1, 'first')`,
        alter: `ALTER TABLE ${written(QUOTED)} ADD COLUMN "New, one" text, ALTER COLUMN "v ""1""" TYPE varchar(40)`,
        update: `UPDATE ${written(QUOTED)} SET "New, one" = 'new' WHERE "Id" = 1`,
        logged: [
            { Id: 1, 'v "1"': "first", "New, one": null },
            { Id: 1, 'v "1"': "first", "New, one": "new" },
        ],
    },
    {
        name: LONG,
        create: `CREATE TABLE ${written(LONG)} (id integer PRIMARY KEY, v integer);
            INSERT INTO ${written(LONG)} VALUES (1, 1)`,
        alter: `ALTER TABLE ${written(LONG)} ADD COLUMN due date NOT NULL DEFAULT '2026-03-04'`,
        update: `UPDATE ${written(LONG)} SET v = 2 WHERE id = 1`,
        logged: [
            { id: 1, v: 1, due: "2026-03-04" },
            { id: 1, v: 2, due: "2026-03-04" },
        ],
    },
    {
        name: PLAIN,
        create: `CREATE TABLE ${written(PLAIN)} (
                id integer PRIMARY KEY, goes integer, former varchar(30), optional integer NOT NULL
            );
            INSERT INTO ${written(PLAIN)} VALUES (1, 1, 'abc', 1)`,
        // As docs/tables.md says for the key.
        alter: `BEGIN;
            DROP TRIGGER audit_trail_refuse_key_update ON ${written(PLAIN)};
            ALTER TABLE ${written(PLAIN)} ALTER COLUMN id TYPE bigint, DROP COLUMN goes, ALTER COLUMN optional DROP NOT NULL;
            ALTER TABLE ${written(PLAIN)} RENAME COLUMN former TO latter;
            COMMIT`,
        update: `UPDATE ${written(PLAIN)} SET latter = 'abc and more', optional = NULL WHERE id = 1`,
        logged: [
            { id: 1, latter: "abc", optional: 1 },
            { id: 1, latter: "abc and more", optional: null },
        ],
    },
    {
        name: HEADERS,
        create: `CREATE TABLE ${written(HEADERS)} (
                operation char(1), change_seq integer, commit_timestamp timestamptz, position text,
                PRIMARY KEY (operation, change_seq)
            );
            INSERT INTO ${written(HEADERS)} VALUES ('D', 1, '2026-03-04 05:06:07Z', 'first')`,
        alter: `ALTER TABLE ${written(HEADERS)} RENAME COLUMN position TO stream_position;
            ALTER TABLE ${written(HEADERS)} ADD COLUMN source_partition text`,
        update: `UPDATE ${written(HEADERS)} SET stream_position = 'second', source_partition = 'p' WHERE change_seq = 1`,
        logged: [
            {
                operation: "D",
                change_seq: 1,
                commit_timestamp: "2026-03-04T05:06:07+00:00",
                stream_position: "first",
                source_partition: null,
            },
            {
                operation: "D",
                change_seq: 1,
                commit_timestamp: "2026-03-04T05:06:07+00:00",
                stream_position: "second",
                source_partition: "p",
            },
        ],
    },
];
