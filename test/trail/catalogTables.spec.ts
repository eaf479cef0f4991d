import assert from "node:assert/strict";
import type { Client } from "pg";
import { columnsOf } from "../../config/columnParser";
import { renderSql } from "../../database/sqlTemplate";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, ITEMS } from "../../testing/trailDatabase";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";
import { parseTableName } from "../../trail/names";
import type { TableDefinition } from "../../trail/tableDefinition";
import { candidateLines, readCandidates } from "../../verify/candidates";
import { Database } from "../../verify/database";

/** Without the lines for the config. */
function sentencesOf(message: string): string[] {
    return (message.split("\nTo audit these")[0] ?? "").split("\n");
}

describe("definitions from the source's catalog", () => {
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
            CREATE TABLE "My.Schema"."Choosy" (
                k mood,
                kv varchar,
                "on" mood[],
                words tsvector GENERATED ALWAYS AS (to_tsvector('simple', kv)) STORED,
                plain_x integer,
                "plainYx" integer,
                "____________change_seq" integer,
                "a[1]" integer,
                "שלום" integer,
                PRIMARY KEY (k, kv)
            );
            CREATE VIEW seen AS SELECT * FROM items;
            CREATE TABLE odd (
                id integer PRIMARY KEY,
                operation text,
                audit_trail_note text,
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

    it("cannot be read while somebody has locked a table, which the message says", async () => {
        const other = await connect(server);
        const reader = await connect(server);
        try {
            await other.query("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE");
            const source = await Database.prepare(reader, "source");
            await assert.rejects(
                source.rows({ file: "sql/some.sql", sql: "SELECT FROM public.items" }),
                /^Error: On the source database process \d+ \(transaction since [\d:TZ-]+\) has locked public\.items, which sql\/some\.sql waited for in vain: run this again once that transaction has ended\.$/u,
            );
        } finally {
            await Promise.all([other.end(), reader.end()]);
        }
    });

    async function definitions(...tables: string[]): Promise<TableDefinition[]> {
        return await chosen({}, ...tables);
    }

    /** With choices as a config has them. */
    async function chosen(columns: object, ...tables: string[]): Promise<TableDefinition[]> {
        const names = tables.map((table) => parseTableName(table));
        const choices = columnsOf(names).parse(JSON.stringify(columns));
        const { rows } = await client.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters(names),
        );
        return tableDefinitions(rows, choices);
    }

    async function refusal(columns: object, ...tables: string[]): Promise<string> {
        return await chosen(columns, ...tables).then(
            () => assert.fail("accepted"),
            (reason: unknown) => (reason as Error).message,
        );
    }

    it("say of every table whether it is audited or could be, and why not", async () => {
        const other = await connect(server);
        const audited = ["public.items", "public.gone"].map(parseTableName);
        try {
            const found = await readCandidates(await Database.prepare(other, "source"), audited);
            assert.deepEqual(
                found.map(({ table, state, columns }) => [table, state, columns.length]),
                [
                    ["My.Schema.Choosy", "choice", 4],
                    ["My.Schema.T", "possible", 0],
                    ["public.items", "audited", 0],
                    ["public.keyless", "impossible", 0],
                    ["public.listed", "impossible", 0],
                    ["public.lossy", "impossible", 8],
                    ["public.odd", "impossible", 8],
                    ["public.parts", "possible", 0],
                    ["public.gone", "audited", 0],
                ].map(([table, ...more]) => [
                    String(table).replace("My.Schema", '"My.Schema"'),
                    ...more,
                ]),
            );
            // Once a partition is listed, its siblings are, and not the whole.
            const parts = await readCandidates(await Database.prepare(other, "source"), [
                parseTableName("public.part"),
            ]);
            assert.deepEqual(
                parts
                    .filter(({ table }) => table.startsWith("public.part"))
                    .map(({ table, state }) => [table, state]),
                [
                    ["public.part", "audited"],
                    ["public.parts", "impossible"],
                ],
            );
            const lines = candidateLines(found);
            assert.ok(
                lines.every((line) => line.length <= 80),
                lines.join("\n"),
            );
            assert.equal(
                lines.find((line) => line.includes("keyless")),
                "cannot be  public.keyless      has no primary key, and without one DMS ignore...",
            );
            assert.equal(lines.at(-2), "2 audited, 3 could be, 4 cannot be.");
        } finally {
            await other.end();
        }
    });

    it("have the demo table's columns and key", async () => {
        const [items] = await definitions("public.items");
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
        const [definition, items] = await definitions('"My.Schema".T', "public.items");
        assert.equal(items?.table, "items");
        assert.match(definition?.oid ?? "", /^[1-9]\d+$/u);
        assert.deepEqual(definition, {
            schema: "My.Schema",
            table: "T",
            oid: definition?.oid,
            columns: [
                {
                    name: "b",
                    type: "integer",
                    attnum: 1,
                },
                {
                    name: "A a",
                    type: "character varying(7)",
                    attnum: 3,
                },
                {
                    name: "cost",
                    type: "numeric(8,3)",
                    attnum: 4,
                },
                {
                    name: "twice",
                    type: "numeric(9,3)",
                    attnum: 5,
                },
                {
                    name: "at",
                    type: "timestamp(3) with time zone[]",
                    attnum: 6,
                },
            ],
            primaryKey: ["A a", "b"],
        });
    });

    it("have one sentence per problem", async () => {
        const error = await definitions(
            "public.missing",
            "public.keyless",
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
            sentencesOf(error.message).map((line) => subject.exec(line)?.[1]),
            [
                "public.missing",
                "public.keyless",
                "public.seen",
                '"audit_trail_note" of public.odd',
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
        assert.match(error.message, /public\.seen is a view/u);
    });

    it("name the types that DMS would cut, change or not carry", async () => {
        const error = await definitions("public.lossy", "public.listed").then(
            () => assert.fail("accepted"),
            (reason: unknown) => reason as Error,
        );
        assert.deepEqual(
            sentencesOf(error.message).map((line) =>
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

    it("come with the lines for the config of all columns of all tables that a choice helps", async () => {
        const message = await refusal({}, "public.odd", "public.lossy", '"My.Schema".Choosy');
        const lines = message.split("\n");
        assert.deepEqual(lines.slice(lines.indexOf("  audit-trail:columns:") + 1), [
            "    public.odd:",
            "      m: asText # or exclude",
            "      ms: asText # or exclude",
            "      p: asText # or exclude",
            "      r: asText # or exclude",
            "      rs: exclude",
            "      i: asText # or exclude",
            "      t: asText # or exclude",
            "      l: exclude",
            "    public.lossy:",
            "      amount: exclude # or { numeric: [28, 6] }",
            "      label: exclude # or { varchar: 2000 }",
            "      padded: exclude",
            "      bits: exclude",
            "      at: exclude",
            "      ref: exclude",
            "      lsn: exclude",
            "      catalog: exclude",
            '    "\\"My.Schema\\".Choosy":',
            "      k: asText",
            "      kv: { varchar: 2000 }",
            '      "on": asText # or exclude',
            "      words: asText # or exclude",
        ]);
    });

    it("have what the config chose, and the lines help", async () => {
        const [definition] = await chosen(
            {
                '"My.Schema".Choosy': {
                    k: "asText",
                    kv: { varchar: 9 },
                    on: { exclude: "a secret" },
                    words: "asText",
                },
            },
            '"My.Schema".Choosy',
        );
        assert.deepEqual(
            definition?.columns.map(({ name, type, sourceType }) => [name, type, sourceType]),
            [
                ["k", "character varying(64)", "public.mood"],
                ["kv", "character varying(9)", "character varying"],
                ["words", "text", "tsvector"],
                ["plain_x", "integer", undefined],
                ["plainYx", "integer", undefined],
                ["____________change_seq", "integer", undefined],
                ["a[1]", "integer", undefined],
                ["שלום", "integer", undefined],
            ],
        );
        assert.deepEqual(
            definition.excluded?.map(({ name, type, reason }) => [name, type, reason]),
            [["on", "public.mood[]", "a secret"]],
        );
    });

    const wrongChoices: readonly [choice: object, reason: RegExp][] = [
        [
            { kvv: "exclude" },
            /names the column "kvv" of .*, which has no such column; the nearest one is "kv"/u,
        ],
        [{ k: "exclude" }, /"k" of .* is part of the primary key, by which DMS finds rows/u],
        [{ plain_x: "exclude" }, /"plain_x" .* wildcards that also match "plainYx"/u],
        [
            { ____________change_seq: "exclude" },
            /wildcards that also match audit_trail_change_seq, which the trail adds/u,
        ],
        [{ "a[1]": "exclude" }, /"a\[1\]" .* DMS reads as a set of characters/u],
        [{ שלום: "exclude" }, /from right to left/u],
        [{ plain_x: "asText" }, /"plain_x" .* the type integer, which needs no asText/u],
        [
            { plain_x: { varchar: 3 } },
            /declares character varying\(3\) for it, which is for varchar/u,
        ],
        [{ kv: { numeric: [3, 1] } }, /declares numeric\(3,1\) for it, which is for numeric/u],
        [{ kv: "asText" }, /"kv" .* needs no asText/u],
    ];
    for (const [choice, reason] of wrongChoices) {
        it(`do not have the choice ${JSON.stringify(choice)}`, async () => {
            const message = await refusal({ '"My.Schema".Choosy': choice }, '"My.Schema".Choosy');
            assert.match(message, reason);
        });
    }

    it("do not have a choice that the guide's text does not allow", async () => {
        const choice = {
            "public.odd": { l: "asText", rs: "asText" },
            "public.lossy": { id: "exclude" },
        };
        const message = await refusal(choice, "public.odd", "public.lossy");
        assert.match(
            message,
            /"l" of public\.odd has the type line, whose text in DMS's guide is not the one of PostgreSQL/u,
        );
        assert.match(
            message,
            /"rs" of public\.odd has the type int4multirange, whose text in DMS/u,
        );
        assert.match(message, /"id" of public\.lossy is part of the primary key/u);
    });

    it("do not take a partition for the parent, and accept one", async () => {
        assert.deepEqual((await definitions("public.part"))[0]?.primaryKey, ["a"]);
    });

    it("name the leaves of a partitioned table, at any depth", async () => {
        await client.query(`
            CREATE TABLE sold (day date, id integer, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
            CREATE TABLE sold_a PARTITION OF sold FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
            CREATE TABLE a_rest PARTITION OF sold DEFAULT PARTITION BY HASH (id);
            CREATE TABLE sold_0 PARTITION OF a_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            ALTER TABLE sold ADD COLUMN note varchar(9) DEFAULT 'old';
            CREATE TABLE sold_1 PARTITION OF a_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1)`);
        const [sold] = await definitions("public.sold");
        assert.deepEqual(sold?.primaryKey, ["day", "id"]);
        assert.deepEqual(
            sold.partitions?.map(({ table }) => table),
            ["sold_0", "sold_1", "sold_a"],
        );
        assert.equal(sold.columns.at(-1)?.missing, "old", "what the leaves' older rows have");
        assert.deepEqual((await definitions("public.parts"))[0]?.partitions?.length, 1);
    });

    it("refuse a leaf that DMS cannot replicate, by its name", async () => {
        await client.query(`
            CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
            CREATE TABLE mixed (id integer PRIMARY KEY, note text) PARTITION BY LIST (id);
            CREATE UNLOGGED TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1);
            CREATE TABLE mixed_2 PARTITION OF mixed FOR VALUES IN (2);
            ALTER TABLE mixed_2 REPLICA IDENTITY NOTHING;
            CREATE TABLE mixed_3 PARTITION OF mixed FOR VALUES IN (3);
            ALTER TABLE mixed_3 ENABLE ROW LEVEL SECURITY;
            CREATE TABLE mixedX3 PARTITION OF mixed FOR VALUES IN (4);
            CREATE TABLE outer_mixed (id integer, note text) PARTITION BY LIST (id);
            CREATE FOREIGN TABLE far PARTITION OF outer_mixed FOR VALUES IN (1) SERVER files OPTIONS (filename '/dev/null');
            CREATE TABLE listed_twice (id integer PRIMARY KEY) PARTITION BY LIST (id);
            CREATE TABLE taken PARTITION OF listed_twice DEFAULT`);
        const problem = async (...tables: string[]): Promise<string> =>
            await definitions(...tables).then(
                () => assert.fail("accepted"),
                (reason: unknown) => (reason as Error).message,
            );
        const mixed = await problem("public.mixed");
        assert.match(mixed, /^The table public\.mixed_1 is UNLOGGED/mu);
        assert.match(mixed, /^The table public\.mixed_2 has REPLICA IDENTITY NOTHING/mu);
        assert.match(mixed, /^The table public\.mixed_3 has row security/mu);
        assert.match(
            mixed,
            /^DMS reads _ in public\.mixed_3 as a wildcard that also matches public\.mixedx3/mu,
        );
        assert.match(
            await problem("public.outer_mixed"),
            /The partition public\.far of public\.outer_mixed is a foreign table/u,
        );
        assert.match(
            await problem("public.listed_twice", "public.taken"),
            /The table public\.taken would be audited twice, as a part of public\.listed_twice and of public\.taken/u,
        );
    });

    it("say which two tables would share a name", async () => {
        await client.query(`CREATE SCHEMA a; CREATE SCHEMA a_b;
            CREATE TABLE a.b_c (id integer PRIMARY KEY); CREATE TABLE a_b.c (id integer PRIMARY KEY)`);
        await assert.rejects(
            definitions("a.b_c", "a_b.c"),
            /The tables a\.b_c and a_b\.c would both get an object named audit_trail\.a_b_c_tombstone/u,
        );
    });
});
