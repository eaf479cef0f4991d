import assert from "node:assert/strict";

import type { Client } from "pg";

import { type CatalogRow, catalogParameters, tableShapes } from "../../components/trail/catalog";
import { parseTableName } from "../../components/trail/names";
import type { TableShape } from "../../components/trail/shape";
import { renderSql } from "../../components/trail/template";
import { scratchServer, type ScratchServer } from "../support/postgres";
import { connect, ITEMS } from "./support/trail";

describe("shapes from the source's catalog", () => {
    let server: ScratchServer;
    let client: Client;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        client = await connect(server);
        await client.query(renderSql("sql/source/items.sql").sql);
        await client.query(renderSql("sql/source/items.sql").sql);
        await client.query(`
            CREATE SCHEMA "My.Schema";
            CREATE DOMAIN price AS numeric(8,3) CHECK (VALUE > 0);
            CREATE TYPE mood AS ENUM ('sad');
            CREATE TYPE pair AS (a integer, b integer);
            CREATE TABLE "My.Schema"."T" (
                b integer GENERATED ALWAYS AS IDENTITY,
                gone text,
                "A a" varchar(7) COLLATE "C",
                cost price NOT NULL,
                twice numeric(9,3) GENERATED ALWAYS AS (cost * 2) STORED,
                at timestamptz(3)[] DEFAULT '{}',
                PRIMARY KEY ("A a", b)
            );
            ALTER TABLE "My.Schema"."T" DROP COLUMN gone;
            CREATE TABLE keyless (a integer);
            CREATE TABLE parts (a integer PRIMARY KEY) PARTITION BY RANGE (a);
            CREATE TABLE part PARTITION OF parts DEFAULT;
            CREATE TABLE lossy (
                id text PRIMARY KEY,
                amount numeric,
                label varchar,
                padded bpchar,
                bits bit varying,
                at timetz,
                ref oid,
                lsn pg_lsn,
                "catalog" name,
                every numeric[],
                whole numeric(38)
            );
            CREATE TABLE listed (id integer, tags varchar(5)[], PRIMARY KEY (id, tags));
            CREATE VIEW seen AS SELECT * FROM items;
            CREATE TABLE odd (
                id integer PRIMARY KEY,
                operation text,
                "a-b" text,
                m mood,
                ms mood[],
                p pair,
                r int4range,
                rs int4multirange,
                i inet,
                t tsvector,
                l line
            );
        `);
    });

    after(async () => {
        await client.end();
        await server.stop();
    });

    async function shapes(...tables: string[]): Promise<TableShape[]> {
        const { rows } = await client.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters(tables.map((table) => parseTableName(table))),
        );
        return tableShapes(rows);
    }

    it("have the demo table's columns and key", async () => {
        const [items] = await shapes("public.items");
        assert.deepEqual(
            { ...items, columns: items?.columns.map(({ name, type }) => [name, type]) },
            {
                ...ITEMS,
                oid: items?.oid,
                columns: ITEMS.columns.map(({ name, type }) => [name, type]),
            },
        );
    });

    it("have the key in key order and plain types, in the order asked for", async () => {
        const [shape, items] = await shapes('"My.Schema".T', "public.items");
        assert.equal(items?.table, "items");
        assert.match(shape?.oid ?? "", /^[1-9]\d+$/u);
        assert.deepEqual(shape, {
            schema: "My.Schema",
            table: "T",
            oid: shape?.oid,
            columns: [
                {
                    name: "b",
                    type: "integer",
                    notNull: true,
                    generated: false,
                    identity: true,
                    attnum: 1,
                },
                {
                    name: "A a",
                    type: "character varying(7)",
                    notNull: true,
                    generated: false,
                    identity: false,
                    attnum: 3,
                },
                {
                    name: "cost",
                    type: "numeric(8,3)",
                    notNull: true,
                    generated: false,
                    identity: false,
                    attnum: 4,
                },
                {
                    name: "twice",
                    type: "numeric(9,3)",
                    notNull: false,
                    generated: true,
                    identity: false,
                    attnum: 5,
                },
                {
                    name: "at",
                    type: "timestamp(3) with time zone[]",
                    notNull: false,
                    generated: false,
                    identity: false,
                    attnum: 6,
                },
            ],
            primaryKey: ["A a", "b"],
        });
    });

    it("have one sentence per problem", async () => {
        const error = await shapes(
            "public.missing",
            "public.keyless",
            "public.parts",
            "public.seen",
            "public.odd",
            "public.items",
            "public.items",
        ).then(
            () => assert.fail("accepted"),
            (reason: unknown) => reason as Error,
        );
        const subject =
            /^(?:The tables|The table|The column)? ?(.*?),? (?:does not|has|is|and|would)/u;
        assert.deepEqual(
            error.message.split("\n").map((line) => subject.exec(line)?.[1]),
            [
                "public.missing",
                "public.keyless",
                "public.parts",
                "public.seen",
                '"operation" of public.odd',
                '"a-b" of public.odd',
                '"m" of public.odd',
                '"ms" of public.odd',
                '"p" of public.odd',
                '"r" of public.odd',
                '"rs" of public.odd',
                '"i" of public.odd',
                '"t" of public.odd',
                '"l" of public.odd',
                "public.items",
            ],
        );
        assert.match(error.message, /"m" of public\.odd has the enum type public\.mood, which/u);
        assert.match(error.message, /"rs" of public\.odd has the multirange type int4multirange/u);
        assert.match(error.message, /"p" of public\.odd has the composite type public\.pair/u);
        assert.match(error.message, /public\.parts is a partitioned table/u);
    });

    it("name the types that DMS would cut, change or not carry", async () => {
        const error = await shapes("public.lossy", "public.listed").then(
            () => assert.fail("accepted"),
            (reason: unknown) => reason as Error,
        );
        assert.deepEqual(
            error.message
                .split("\n")
                .map((line) =>
                    /^The column "(\w+)" of .*? has the (type .*?),/u.exec(line)?.slice(1),
                ),
            [
                ["id", "type text"],
                ["amount", "type numeric without a limit"],
                ["label", "type character varying without a limit"],
                ["padded", "type bpchar without a limit"],
                ["bits", "type bit varying without a limit"],
                ["at", "type time with time zone"],
                ["ref", "type oid"],
                ["lsn", "type pg_lsn"],
                ["catalog", "type name"],
                ["tags", "type character varying(5)[]"],
            ],
        );
    });

    it("do not take a partition for the parent, and accept one", async () => {
        assert.deepEqual((await shapes("public.part"))[0]?.primaryKey, ["a"]);
    });

    it("say which two tables would share a name", async () => {
        await client.query(`CREATE SCHEMA a; CREATE SCHEMA a_b;
            CREATE TABLE a.b_c (id integer PRIMARY KEY); CREATE TABLE a_b.c (id integer PRIMARY KEY)`);
        await assert.rejects(
            shapes("a.b_c", "a_b.c"),
            /The tables a\.b_c and a_b\.c would both get an object named audit_trail\.a_b_c_tombstone/u,
        );
    });
});
