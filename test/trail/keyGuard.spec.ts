import assert from "node:assert/strict";
import type { Client } from "pg";
import { renderSql } from "../../database/sqlTemplate";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, run } from "../../testing/trailDatabase";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, comparableDefinitions } from "../../trail/catalogTables";
import { guardFiles, markerFiles, type TableGuards } from "../../trail/guards";
import type { TableDefinition } from "../../trail/tableDefinition";

/** A table with its first row, and updates that change the bytes of its key. */
const CHANGES: Readonly<Record<string, readonly [string, ...string[]]>> = {
    "an interval of another writing": [
        "k interval PRIMARY KEY, v integer) ; INSERT INTO t VALUES ('1 day', 1)",
        "UPDATE t SET k = '24:00:00', v = 2",
        "UPDATE t SET k = k + interval '1 day' - interval '24 hours'",
    ],
    "an interval of months and days": [
        "a integer, k interval, v integer, PRIMARY KEY (k, a)); INSERT INTO t VALUES (1, '1 mon', 1)",
        "UPDATE t SET k = '30 days' WHERE k = '30 days'",
    ],
    "a negative zero": [
        "k float8 PRIMARY KEY, v integer); INSERT INTO t VALUES (0, 1)",
        "UPDATE t SET k = '-0', v = 2",
        "UPDATE t SET k = -k",
    ],
    "a negative zero of four bytes, in an upsert": [
        "k float4 PRIMARY KEY, v integer); INSERT INTO t VALUES ('-0', 1)",
        "INSERT INTO t VALUES (0, 2) ON CONFLICT (k) DO UPDATE SET k = excluded.k, v = excluded.v",
    ],
    "a letter of another case under a loose collation": [
        "k varchar(9) COLLATE ci PRIMARY KEY, v integer); INSERT INTO t VALUES ('abc', 1)",
        "UPDATE t SET k = 'ABC', v = 2 WHERE k = 'aBc'",
    ],
    "the key of a row that MERGE finds": [
        "k interval PRIMARY KEY, v integer); INSERT INTO t VALUES ('1 day', 1)",
        "MERGE INTO t USING (VALUES (interval '24 hours')) AS n (k) ON t.k = n.k WHEN MATCHED THEN UPDATE SET k = n.k",
    ],
    "a key that is computed of another column": [
        "a integer, k integer GENERATED ALWAYS AS (a / 10) STORED PRIMARY KEY); INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 10",
    ],
    "a key that a foreign key takes along": [
        "k integer PRIMARY KEY REFERENCES parent (id) ON UPDATE CASCADE); INSERT INTO parent VALUES (1); INSERT INTO t VALUES (1)",
        "UPDATE parent SET id = 2",
    ],
};

/** Updates that leave the key what it was. */
const KEPT = [
    "UPDATE t SET k = k",
    "UPDATE t SET k = '1 day', v = 2",
    "UPDATE t SET v = 3",
    "UPDATE t SET k = interval '2 days' / 2",
];

describe("the guard against key updates", () => {
    let server: ScratchServer;
    let client: Client;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        client = await connect(server);
        await client.query(`
            CREATE SCHEMA audit_trail;
            CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE FUNCTION upper_key() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN NEW.k := upper(NEW.k); RETURN NEW; END';
        `);
        await run(client, markerFiles());
    });
    after(async () => {
        await client.end();
        await server.stop();
    });
    beforeEach(async () => {
        await client.query(
            "DROP TABLE IF EXISTS t, parent; CREATE TABLE parent (id integer PRIMARY KEY); DELETE FROM audit_trail.marker",
        );
    });

    async function guard(keyUpdate: TableGuards["keyUpdate"]): Promise<TableDefinition> {
        const { rows } = await client.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters([{ schema: "public", table: "t" }]),
        );
        const [definition] = comparableDefinitions(rows);
        assert.ok(definition);
        const everyUpdate = rows[0]?.updates_are_rewritten === true;
        await run(
            client,
            guardFiles(definition, { truncate: "refuse", keyUpdate, everyUpdate }, false),
        );
        return definition;
    }
    const markers = async (): Promise<{ old_key: unknown; new_key: unknown }[]> =>
        (
            await client.query<{ detail: { old_key: unknown; new_key: unknown } }>(
                "SELECT detail::jsonb AS detail FROM audit_trail.marker WHERE kind = 'key update' ORDER BY marker_id",
            )
        ).rows.map(({ detail }) => detail);
    async function refuses(update: string): Promise<void> {
        await assert.rejects(client.query(update), /primary key of public\.t is refused/u, update);
    }

    for (const [what, [table, ...updates]] of Object.entries(CHANGES)) {
        it(`refuses ${what}`, async () => {
            await client.query(`CREATE TABLE t (${table}`);
            await guard("refuse");
            for (const update of updates) {
                await refuses(update);
            }
        });

        it(`records ${what}`, async () => {
            await client.query(`CREATE TABLE t (${table}`);
            await guard("record");
            const [update = ""] = updates;
            await client.query(update);
            const found = await markers();
            assert.equal(found.length, 1);
            assert.notDeepEqual(found[0]?.old_key, found[0]?.new_key);
        });
    }

    it("lets an update pass that keeps the key", async () => {
        await client.query(
            "CREATE TABLE t (k interval PRIMARY KEY, v integer); INSERT INTO t VALUES ('1 day', 1)",
        );
        await guard("refuse");
        for (const update of KEPT) {
            await client.query(update);
        }
    });

    it("sees a key that a BEFORE trigger changes, and looks at every update only then", async () => {
        const columns = async (): Promise<unknown> =>
            (
                await client.query<{ columns: string }>(
                    "SELECT tgattr::text AS columns FROM pg_trigger WHERE tgname = 'audit_trail_refuse_key_update'",
                )
            ).rows[0]?.columns;
        await client.query("CREATE TABLE t (k varchar(9) PRIMARY KEY, v text)");
        await client.query("INSERT INTO t VALUES ('ab', 'x')");
        await guard("refuse");
        assert.equal(await columns(), "1");
        await client.query(
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION upper_key(); " +
                "CREATE TRIGGER b AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION upper_key()",
        );
        await guard("refuse");
        assert.equal(await columns(), "1");
        await client.query(
            "CREATE TRIGGER c BEFORE UPDATE OF v ON t FOR EACH ROW EXECUTE FUNCTION upper_key()",
        );
        await guard("refuse");
        assert.equal(await columns(), "");
        await refuses("UPDATE t SET v = 'y'");
        await guard("record");
        await client.query("UPDATE t SET v = 'y'");
        await client.query("UPDATE t SET v = 'z'");
        assert.deepEqual(await markers(), [{ old_key: { k: "ab" }, new_key: { k: "AB" } }]);
    });

    it("counts as one that works only as a deployment makes it", async () => {
        const working = async (): Promise<unknown> => {
            const { rows } = await client.query<CatalogRow>(
                renderSql("sql/source/catalog.sql").sql,
                catalogParameters([{ schema: "public", table: "t" }]),
            );
            return rows[0]?.guards?.includes("audit_trail_refuse_key_update");
        };
        const made = async (trigger: string): Promise<void> => {
            await client.query(
                `DROP TRIGGER audit_trail_refuse_key_update ON t; CREATE TRIGGER audit_trail_refuse_key_update ${trigger};
                ALTER TABLE t ENABLE ALWAYS TRIGGER audit_trail_refuse_key_update`,
            );
        };
        await client.query("CREATE TABLE t (k varchar(9) PRIMARY KEY, v text)");
        await guard("refuse");
        assert.equal(await working(), true);
        await client.query("ALTER TABLE t ENABLE TRIGGER audit_trail_refuse_key_update");
        assert.equal(await working(), false);
        await made(
            "AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.k IS DISTINCT FROM NEW.k) EXECUTE FUNCTION audit_trail.refuse_key_update('k')",
        );
        assert.equal(await working(), false);
        await made("AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION upper_key()");
        assert.equal(await working(), false);
        await guard("refuse");
        assert.equal(await working(), true);
        await client.query(
            "CREATE TRIGGER late BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION upper_key()",
        );
        assert.equal(await working(), false);
        await guard("refuse");
        assert.equal(await working(), true);
    });

    it("comes back from a dump of the source, as in an upgrade", async () => {
        await client.query(
            'CREATE TABLE t (a integer, "K k" interval, PRIMARY KEY (a, "K k")); INSERT INTO t VALUES (1, \'1 day\')',
        );
        await guard("refuse");
        const { rows } = await client.query<{ definition: string; name: string }>(
            "SELECT pg_get_triggerdef(oid) AS definition, tgname AS name FROM pg_trigger WHERE tgrelid = 't'::regclass",
        );
        for (const { definition, name } of rows) {
            await client.query(`DROP TRIGGER ${name} ON t; ${definition}`);
        }
        await refuses("UPDATE t SET \"K k\" = '24:00:00'");
    });

    it("goes before the type of a key can change, by the table's owner alone, and comes back", async () => {
        await client.query(`CREATE ROLE migrator; GRANT CREATE ON SCHEMA public TO migrator;
            SET ROLE migrator; CREATE TABLE t (k integer PRIMARY KEY); INSERT INTO t VALUES (1); RESET ROLE`);
        await guard("refuse");
        const change = "ALTER TABLE t ALTER COLUMN k TYPE bigint";
        await client.query("SET ROLE migrator");
        try {
            await assert.rejects(client.query(change), /used in a trigger definition/u);
            await client.query(
                `BEGIN; DROP TRIGGER audit_trail_refuse_key_update ON t; ${change}; COMMIT`,
            );
        } finally {
            await client.query("RESET ROLE");
        }
        await guard("refuse");
        await refuses("UPDATE t SET k = 2");
        const back = "ALTER TABLE t ALTER COLUMN k TYPE integer";
        await client.query(`BEGIN; SELECT audit_trail.remove_guards('t'); ${back}; COMMIT`);
        await client.query("DROP TABLE t; DROP OWNED BY migrator; DROP ROLE migrator");
    });
});
