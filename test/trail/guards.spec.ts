import assert from "node:assert/strict";
import type { Client } from "pg";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, definitionOf, run } from "../../testing/trailDatabase";
import { guardFiles, guardOthersFiles, markerFiles, type TableGuards } from "../../trail/guards";

const ORDERS = definitionOf(
    "Sales",
    'Line "Items"',
    { order: "integer", line: "integer", note: "text" },
    ["order", "line"],
);
const TABLE = '"Sales"."Line ""Items"""';

describe("source guards", () => {
    let server: ScratchServer;
    let owner: Client;
    let app: Client;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        const superuser = await connect(server);
        await superuser.query(`
            CREATE ROLE owner LOGIN PASSWORD 'scratch';
            CREATE ROLE app LOGIN PASSWORD 'scratch';
            GRANT CREATE ON DATABASE postgres TO owner;
        `);
        await superuser.end();
        owner = await connect(server, { user: "owner" });
        app = await connect(server, { user: "app" });
        await owner.query(`
            CREATE SCHEMA audit_trail;
            CREATE SCHEMA "Sales";
            CREATE TABLE ${TABLE} ("order" integer, line integer, note text, PRIMARY KEY ("order", line));
            GRANT USAGE ON SCHEMA "Sales" TO app;
            GRANT ALL ON ${TABLE} TO app;
            GRANT TRUNCATE ON ${TABLE} TO PUBLIC;
            INSERT INTO ${TABLE} SELECT 1, n, 'x' FROM generate_series(1, 9) AS n;
        `);
        await run(owner, markerFiles());
    });

    after(async () => {
        await app.end();
        await owner.end();
        await server.stop();
    });

    const guard = (guards: TableGuards | undefined, full = false): Promise<void> =>
        run(owner, guardFiles(ORDERS, guards, full));
    const markers = async (): Promise<unknown[]> =>
        (
            await owner.query<Record<string, string>>(
                "SELECT kind, table_schema, table_name, detail FROM audit_trail.marker ORDER BY marker_id",
            )
        ).rows;
    const refuse: TableGuards = { truncate: "refuse", keyUpdate: "refuse" };

    it("refuse TRUNCATE and changes of the key, and say what to do", async () => {
        await guard(refuse);
        await assert.rejects(
            owner.query(`TRUNCATE ${TABLE}`),
            (error: Error & { hint?: string }) => {
                assert.match(error.message, /TRUNCATE of Sales\.Line "Items" is refused/u);
                assert.match(error.hint ?? "", /DELETE the rows, or .* allowTruncate/u);
                return true;
            },
        );
        await assert.rejects(
            app.query(`UPDATE ${TABLE} SET line = line + 100`),
            /primary key of Sales/u,
        );
        await assert.rejects(
            app.query(`UPDATE ${TABLE} SET "order" = 2 WHERE line = 1`),
            /primary key of Sales/u,
        );
        assert.deepEqual(await markers(), []);
    });

    it("let everything else pass, also an update that names the key and keeps it", async () => {
        await app.query(`UPDATE ${TABLE} SET "order" = 1, line = line, note = 'y'`);
        await app.query(`DELETE FROM ${TABLE} WHERE line = 9`);
        await app.query(`INSERT INTO ${TABLE} VALUES (1, 9, 'again')`);
    });

    it("take the right to TRUNCATE from all but the owner", async () => {
        await assert.rejects(app.query(`TRUNCATE ${TABLE}`), /permission denied/u);
    });

    it("hold in a session whose replication role is replica", async () => {
        const superuser = await connect(server);
        try {
            await superuser.query("SET session_replication_role = replica");
            await assert.rejects(superuser.query(`TRUNCATE ${TABLE}`), /is refused/u);
            await assert.rejects(
                superuser.query(`UPDATE ${TABLE} SET line = 0 WHERE line = 1`),
                /is refused/u,
            );
        } finally {
            await superuser.end();
        }
    });

    it("can be run again, and write no WAL for rows that keep their key", async () => {
        await guard(refuse);
        const wal = async (): Promise<number> => {
            await owner.query("CHECKPOINT").catch(() => undefined);
            await app.query(`UPDATE ${TABLE} SET note = 'warm'`);
            const before = await owner.query<{ lsn: string }>(
                "SELECT pg_current_wal_insert_lsn() AS lsn",
            );
            await app.query(`UPDATE ${TABLE} SET note = 'z'`);
            const after = await owner.query<{ bytes: string }>(
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1) AS bytes",
                [before.rows[0]?.lsn],
            );
            return Number(after.rows[0]?.bytes);
        };
        const guarded = await wal();
        await guard(undefined);
        const unguarded = await wal();
        // Nine rows: a BEFORE trigger would lock each and write some 54 bytes for it.
        assert.ok(
            guarded - unguarded < 9 * 20,
            `${String(guarded)} against ${String(unguarded)} bytes`,
        );
    });

    it("record instead of refuse where the config allows it", async () => {
        await guard({ truncate: "record", keyUpdate: "record" });
        await owner.query(`UPDATE ${TABLE} SET line = 100 WHERE line = 1`);
        await owner.query(`TRUNCATE ${TABLE}`);
        assert.deepEqual(await markers(), [
            {
                kind: "key update",
                table_schema: "Sales",
                table_name: 'Line "Items"',
                detail: `{"new_key": {"line": "100", "order": "1"}, "old_key": {"line": "1", "order": "1"}}`,
            },
            {
                kind: "truncate",
                table_schema: "Sales",
                table_name: 'Line "Items"',
                detail: "by owner",
            },
        ]);
    });

    it("go away when they are switched off, and set the replica identity only where asked", async () => {
        const identity = async (): Promise<unknown> =>
            (
                await owner.query(
                    `SELECT relreplident FROM pg_class WHERE oid = '${TABLE}'::regclass`,
                )
            ).rows[0];
        await guard(undefined);
        const { rows } = await owner.query(
            `SELECT FROM pg_trigger WHERE tgrelid = '${TABLE}'::regclass AND NOT tgisinternal`,
        );
        assert.equal(rows.length, 0);
        assert.deepEqual(await identity(), { relreplident: "d" });
        await guard(undefined, true);
        assert.deepEqual(await identity(), { relreplident: "f" });
    });

    it("go from a table that is audited no more, and stay on the others", async () => {
        const other = definitionOf("Sales", "kept", { id: "integer" }, ["id"]);
        await owner.query(`
            CREATE TABLE IF NOT EXISTS "Sales".kept (id integer PRIMARY KEY);
            CREATE TABLE IF NOT EXISTS "Sales".parts (id integer PRIMARY KEY) PARTITION BY LIST (id);
            CREATE TABLE IF NOT EXISTS "Sales".part PARTITION OF "Sales".parts DEFAULT;
        `);
        await guard(refuse);
        await run(owner, guardFiles(other, refuse, false));
        await run(owner, guardFiles({ ...other, table: "parts" }, refuse, false));
        await run(owner, guardOthersFiles([other]));
        await owner.query(`BEGIN; TRUNCATE ${TABLE}, "Sales".parts; ROLLBACK`);
        await assert.rejects(owner.query('TRUNCATE "Sales".kept'), /is refused/u);
        await run(owner, guardOthersFiles([other]));
    });
});
