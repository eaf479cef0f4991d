import assert from "node:assert/strict";
import type { Client } from "pg";
import { prepareSession } from "../../database/session";
import { renderSql } from "../../database/sqlTemplate";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect } from "../../testing/trailDatabase";
import type { CatalogRow } from "../../trail/catalogRow";
import {
    catalogParameters,
    comparableDefinitions,
    tableDefinitions,
} from "../../trail/catalogTables";
import { parseTableName } from "../../trail/names";

const DDL = `
    CREATE ROLE audit_trail_dms_source;
    CREATE ROLE proprietor;
    CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE COLLATION "C;i" (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE DOMAIN code AS varchar(9) COLLATE ci;
    CREATE TABLE plain (id integer PRIMARY KEY, v integer);
    CREATE TABLE whole (id integer PRIMARY KEY);
    ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE UNLOGGED TABLE fleeting (id integer PRIMARY KEY);
    CREATE TABLE postponable (id integer PRIMARY KEY DEFERRABLE);
    CREATE TABLE deferred (id integer, k integer, PRIMARY KEY (k, id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE nothing (id integer PRIMARY KEY);
    ALTER TABLE nothing REPLICA IDENTITY NOTHING;
    CREATE TABLE indexed (id integer PRIMARY KEY, other integer NOT NULL UNIQUE);
    ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_other_key;
    CREATE TABLE own_index (id integer PRIMARY KEY);
    ALTER TABLE own_index REPLICA IDENTITY USING INDEX own_index_pkey;
    CREATE TABLE parent (id integer PRIMARY KEY);
    CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
    CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child);
    CREATE TABLE collated (id integer, code varchar(9) COLLATE ci, PRIMARY KEY (id, code));
    CREATE TABLE by_domain (id code PRIMARY KEY);
    CREATE TABLE by_quoted (id char(3) COLLATE "C;i" PRIMARY KEY);
    CREATE TABLE collated_value (id integer PRIMARY KEY, code varchar(9) COLLATE ci);
    CREATE TABLE covering (id integer, v varchar(9) COLLATE ci, n integer, PRIMARY KEY (n, id) INCLUDE (v));
    CREATE TABLE secured (id integer PRIMARY KEY);
    ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
    CREATE TABLE forced (id integer PRIMARY KEY);
    ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO proprietor;
    CREATE TABLE owned (id integer PRIMARY KEY);
    ALTER TABLE owned ENABLE ROW LEVEL SECURITY, OWNER TO proprietor;
    CREATE TABLE only_forced (id integer PRIMARY KEY);
    ALTER TABLE only_forced FORCE ROW LEVEL SECURITY;
    CREATE TABLE "Twins" (id integer PRIMARY KEY);
    CREATE TABLE twins (id integer PRIMARY KEY);
    CREATE SCHEMA "Public";
    CREATE TABLE "Public".plain (id integer PRIMARY KEY);
    CREATE TABLE stranger (id integer PRIMARY KEY);
    CREATE TABLE "STRANGER" (id integer) PARTITION BY LIST (id);
    CREATE VIEW "Whole" AS SELECT 1 AS id;
`;

describe("tables whose rows or changes would not reach DMS", () => {
    let server: ScratchServer;
    let client: Client;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        client = await connect(server);
        await client.query(DDL);
    });
    after(async () => {
        await client.end();
        await server.stop();
    });

    async function rows(...tables: string[]): Promise<CatalogRow[]> {
        const names = tables.map((table) => parseTableName(`public.${table}`));
        const query = renderSql("sql/source/catalog.sql").sql;
        return (await client.query<CatalogRow>(query, catalogParameters(names))).rows;
    }
    async function refused(...tables: string[]): Promise<string[]> {
        const found = await rows(...tables);
        try {
            tableDefinitions(found);
            return [];
        } catch (error) {
            return (error as Error).message.split("\n");
        }
    }

    const REFUSED: readonly (readonly [string, RegExp])[] = [
        ["fleeting", /^The table public\.fleeting is UNLOGGED, .* SET LOGGED/u],
        [
            "postponable",
            /^The table public\.postponable has a deferrable primary key, .* NOT DEFERR/u,
        ],
        ["deferred", /^The table public\.deferred has a deferrable primary key/u],
        ["nothing", /^The table public\.nothing has REPLICA IDENTITY NOTHING, .* DEFAULT/u],
        ["indexed", /^The table public\.indexed has REPLICA IDENTITY USING INDEX/u],
        ["own_index", /^The table public\.own_index has REPLICA IDENTITY USING INDEX/u],
        ["parent", /^The table public\.parent has tables that inherit from it \(public\.child\)/u],
        ["child", /^The table public\.child has .* \(public\.grandchild\).* NO INHERIT/u],
        ["collated", /^The column "code" of public\.collated is part .* collation public\.ci, /u],
        ["by_domain", /^The column "id" of public\.by_domain .* collation public\.ci, /u],
        ["by_quoted", /^The column "id" of public\.by_quoted .* collation public\."C;i", /u],
        ["secured", /^The table public\.secured has row security, .*BYPASSRLS/u],
        ["forced", /^The table public\.forced has row security/u],
        ["owned", /^The table public\.owned has row security/u],
        ["twins", /^The names of the tables public\.Twins and public\.twins differ in case only/u],
        ["Twins", /^The names of the tables public\.Twins and public\.twins differ in case only/u],
        ["plain", /^The names of the tables Public\.plain and public\.plain differ in case only/u],
        ["stranger", /^The names of the tables public\.STRANGER and public\.stranger differ/u],
    ];
    for (const [table, sentence] of REFUSED) {
        it(`are refused by name, and can still be compared: ${table}`, async () => {
            const sentences = await refused(table);
            assert.equal(sentences.length, 1, sentences.join("\n"));
            assert.match(sentences[0] ?? "", sentence);
            assert.equal(comparableDefinitions(await rows(table)).length, 1);
        });
    }

    it("are named in one message, each once", async () => {
        const all = REFUSED.map(([table]) => table);
        // Two of them have one sentence together. A table that is listed again has one for that.
        assert.equal((await refused(...all, ...all.slice(0, 3))).length, all.length - 1 + 3);
    });

    it("are not those that only look like them", async () => {
        const accepted = ["whole", "collated_value", "covering", "only_forced", "grandchild"];
        assert.deepEqual(await refused(...accepted), []);
        const [definition] = tableDefinitions(await rows("covering"));
        assert.deepEqual(definition?.primaryKey, ["n", "id"]);
    });

    it("are those of a temporary schema", async () => {
        await client.query("CREATE TEMPORARY TABLE brief (id integer PRIMARY KEY)");
        const { rows: found } = await client.query<{ schema: string }>(
            "SELECT pg_my_temp_schema()::regnamespace::text AS schema",
        );
        const query = renderSql("sql/source/catalog.sql").sql;
        const name = { schema: found[0]?.schema ?? "", table: "brief" };
        const result = await client.query<CatalogRow>(query, catalogParameters([name]));
        assert.throws(() => tableDefinitions(result.rows), /brief is temporary/u);
    });

    it("are taken when DMS's user sees all their rows", async () => {
        await client.query("GRANT proprietor TO audit_trail_dms_source");
        assert.deepEqual(await refused("owned"), []);
        assert.equal((await refused("forced")).length, 1);
        await client.query("ALTER ROLE audit_trail_dms_source NOINHERIT");
        await client.query("GRANT proprietor TO audit_trail_dms_source WITH INHERIT FALSE");
        assert.equal((await refused("owned")).length, 1);
        await client.query("REVOKE proprietor FROM audit_trail_dms_source");
        await client.query("ALTER ROLE audit_trail_dms_source BYPASSRLS");
        assert.deepEqual(await refused("owned", "forced", "secured"), []);
        await client.query("ALTER ROLE audit_trail_dms_source NOBYPASSRLS");
        // A membership in a role with BYPASSRLS passes nothing on.
        await client.query("CREATE ROLE seer BYPASSRLS; GRANT seer TO audit_trail_dms_source");
        assert.equal((await refused("secured")).length, 1);
    });

    it("are refused before DMS's user is there", async () => {
        await client.query("BEGIN; DROP ROLE audit_trail_dms_source");
        assert.equal((await refused("secured")).length, 1);
        await client.query("ROLLBACK");
    });
});

describe("the source's catalog", () => {
    it("is read alike whatever the database has set", async function () {
        this.timeout(60_000);
        const server = await scratchServer();
        const first = await connect(server);
        await first.query(`
            CREATE EXTENSION citext;
            CREATE TABLE aged (id integer PRIMARY KEY);
            INSERT INTO aged VALUES (1);
            ALTER TABLE aged
                ADD COLUMN due date DEFAULT '2026-03-04',
                ADD COLUMN at timestamptz DEFAULT '2026-03-04 05:06:07+08',
                ADD COLUMN took interval DEFAULT '-1 days 2 hours',
                ADD COLUMN share float8 DEFAULT 0.1234567890123456,
                ADD COLUMN shares float4[] DEFAULT '{0.12345679,NULL}',
                ADD COLUMN raw bytea DEFAULT '\\xdeadbeef',
                ADD COLUMN dues date[] DEFAULT '{2026-03-04,NULL}',
                ADD COLUMN label citext DEFAULT 'x';
            ALTER DATABASE postgres SET datestyle = 'SQL, DMY';
            ALTER DATABASE postgres SET intervalstyle = 'sql_standard';
            ALTER DATABASE postgres SET timezone = 'Asia/Tokyo';
            ALTER DATABASE postgres SET extra_float_digits = -5;
            ALTER DATABASE postgres SET bytea_output = 'escape';
            ALTER DATABASE postgres SET array_nulls = off;
            ALTER DATABASE postgres SET quote_all_identifiers = on;
            ALTER DATABASE postgres SET search_path = public, pg_catalog;
        `);
        const read = async (client: Client): Promise<CatalogRow[]> => {
            await prepareSession(client);
            const query = renderSql("sql/source/catalog.sql").sql;
            const parameters = catalogParameters([{ schema: "public", table: "aged" }]);
            return (await client.query<CatalogRow>(query, parameters)).rows;
        };
        const second = await connect(server);
        try {
            const expected = await read(first);
            assert.deepEqual(await read(second), expected);
            assert.deepEqual(
                expected[0]?.columns.slice(1).map(({ missing }) => missing),
                [
                    "2026-03-04",
                    "2026-03-03 21:06:07+00",
                    "-1 days +02:00:00",
                    "0.1234567890123456",
                    "{0.12345679,NULL}",
                    "\\xdeadbeef",
                    "{2026-03-04,NULL}",
                    "x",
                ],
            );
        } finally {
            await first.end();
            await second.end();
            await server.stop();
        }
    });
});
