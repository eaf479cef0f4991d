import assert from "node:assert/strict";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { withClient } from "../../database/connection";
import { type BatchPlace, type LockPatience, runBatch } from "../../database/runBatch";
import { prepareSession } from "../../database/session";
import { giveToServerUser } from "../../local/servers/runAs";
import { ensureAuthority, issueServerCertificate } from "../../local/servers/tls";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { makeTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";

describe("a script's batch", () => {
    let server: ScratchServer;
    const clients: pg.Client[] = [];

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        const client = await open();
        await client.query("CREATE TABLE public.a (n integer); CREATE TABLE public.b (n integer)");
    });

    afterEach(async () => {
        await Promise.all(clients.splice(0).map((client) => client.end()));
    });

    after(async () => {
        await server.stop();
    });

    async function open(application = "test"): Promise<pg.Client> {
        const { host, port, user, password, database } = server;
        const client = new pg.Client({
            ...{ host, port, user, password, database },
            application_name: application,
        });
        await client.connect();
        clients.push(client);
        return client;
    }

    const place: BatchPlace = {
        host: "the-host",
        database: "the-database",
        withSession: async (work) => work(await open("watcher")),
    };
    const patience = (all: number): LockPatience => ({ lock: 100, all, pause: 20 });
    const batch = (sql: string) => ({ files: [{ file: "sql/some.sql", sql }], about: "public.a" });

    /** Whether a session waits for a lock right now. */
    async function someoneWaits(): Promise<boolean> {
        const watcher = await open();
        const { rows } = await watcher.query("SELECT FROM pg_locks WHERE NOT granted");
        return rows.length > 0;
    }

    it("waits for a lock in short turns, and gets it when it is free", async () => {
        const holder = await open();
        await holder.query("BEGIN; LOCK TABLE public.a IN ACCESS SHARE MODE");
        const client = await open();
        const running = runBatch(
            client,
            place,
            batch("ALTER TABLE public.a ADD COLUMN m integer"),
            patience(20_000),
        );
        await until(someoneWaits);
        // Nobody who reads the table waits behind the batch for longer than a turn.
        const reader = await open();
        await reader.query("SET statement_timeout = '5s'; SELECT FROM public.a");
        await holder.query("COMMIT");
        await running;
        const { rows } = await reader.query(
            "SELECT FROM pg_attribute WHERE attrelid = 'public.a'::regclass AND attname = 'm'",
        );
        assert.equal(rows.length, 1);
    });

    it("says who holds the lock when it gives up, and leaves nothing behind", async () => {
        const holder = await open("long report");
        await holder.query("BEGIN; SELECT FROM public.a");
        const { rows } = await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        const client = await open();
        await assert.rejects(
            runBatch(
                client,
                place,
                batch("CREATE TABLE public.c (); DROP TABLE public.a"),
                patience(1_000),
            ),
            (error: Error) => {
                assert.match(
                    error.message,
                    new RegExp(
                        `^sql/some\\.sql failed for public\\.a .*in database "the-database" at the-host: .*SQLSTATE 55P03.*` +
                            `process ${String(rows[0]?.pid)} of user "postgres" \\(application "long report", transaction since 20.*idle in transaction\\)`,
                        "u",
                    ),
                );
                assert.match(error.message, /end what holds the lock and run the update again\.$/u);
                return true;
            },
        );
        await holder.query("COMMIT");
        const { rows: left } = await client.query("SELECT to_regclass('public.c') AS c");
        assert.deepEqual(left, [{ c: null }]);
    });

    it("waits for every other batch, by a lock that nobody else can take", async () => {
        const owner = await open();
        const guest = await open("guest");
        const client = await open();
        const advisory = "SELECT pg_advisory_lock(418581342580)";
        await guest.query(`CREATE ROLE guest; SET ROLE guest; ${advisory}`);
        // Before the trail is there, anybody can keep it off, and is named.
        await assert.rejects(
            runBatch(client, place, batch("SELECT 1"), patience(500)),
            /the lock of all deployments failed for public\.a .*process \d+ of user "postgres" \(application "guest"/u,
        );
        for (const table of ["audit_trail.marker", "audit_trail.schema_version"]) {
            await owner.query(
                `CREATE SCHEMA audit_trail; CREATE TABLE ${table} (n integer); GRANT USAGE ON SCHEMA audit_trail TO guest; GRANT SELECT, INSERT ON ${table} TO guest`,
            );
            await assert.rejects(
                guest.query(`BEGIN; LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE`),
                /permission denied/u,
            );
            await guest.query("ROLLBACK");
            await owner.query(`BEGIN; LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE`);
            const running = runBatch(client, place, batch("SELECT 1"), patience(20_000));
            await until(someoneWaits);
            await owner.query("COMMIT");
            await running;
            // Neither a reader nor a writer waits for a batch, nor a batch for them.
            await guest.query(`BEGIN; INSERT INTO ${table} VALUES (1)`);
            await runBatch(client, place, batch(`INSERT INTO ${table} VALUES (2)`), patience(500));
            await guest.query("COMMIT");
            await owner.query("DROP SCHEMA audit_trail CASCADE");
        }
        await guest.query("SELECT pg_advisory_unlock_all(); RESET ROLE; DROP ROLE guest");
    });

    it("is tried again after a deadlock that it lost", async () => {
        const other = await open();
        const client = await open();
        await client.query("SET deadlock_timeout = '1s'");
        await other.query("SET deadlock_timeout = '1h'");
        await other.query("BEGIN; LOCK TABLE public.b");
        const running = runBatch(
            client,
            place,
            batch("LOCK TABLE public.a; LOCK TABLE public.b; INSERT INTO public.b VALUES (1)"),
            { lock: 10_000, all: 20_000, pause: 20 },
        );
        await until(someoneWaits);
        await other.query("LOCK TABLE public.a");
        await other.query("COMMIT");
        await running;
        const { rows } = await client.query("SELECT n FROM public.b");
        assert.deepEqual(rows, [{ n: 1 }]);
    });

    it("fails at once for any other reason, with file, line and statement", async () => {
        const client = await open();
        await assert.rejects(
            runBatch(client, place, batch("SELECT 1;\nSELECT nonsense;"), patience(60_000)),
            /^Error: sql\/some\.sql failed for public\.a at line 2 \("SELECT nonsense;"\) .*SQLSTATE 42703\); nothing of this/u,
        );
        await runBatch(client, place, batch("SELECT 1"));
    });
});

describe("a session of the program", () => {
    let server: ScratchServer;
    let folder: string;
    let caPath: string;

    before(async function () {
        this.timeout(60_000);
        folder = await makeTempDir();
        chmodSync(folder, 0o755);
        const authority = await ensureAuthority(path.join(folder, "own"));
        const { cert, key } = await issueServerCertificate(authority);
        const files = {
            cert: path.join(folder, "server.pem"),
            key: path.join(folder, "server.key"),
        };
        for (const name of ["cert", "key"] as const) {
            writeFileSync(files[name], { cert, key }[name], { mode: 0o600 });
            await giveToServerUser(files[name]);
        }
        caPath = path.join(folder, "ca.pem");
        writeFileSync(caPath, authority.cert);
        server = await scratchServer({
            settings: { ssl: "on", ssl_cert_file: files.cert, ssl_key_file: files.key },
        });
    });

    after(async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
    });

    it("is the same whatever role, database and server have set", async () => {
        const { host, port, user, password, database } = server;
        const open = async (options = ""): Promise<pg.Client> => {
            const client = new pg.Client({ host, port, user, password, database, options });
            await client.connect();
            return client;
        };
        const plain = await open();
        await plain.query(`
            ALTER DATABASE postgres SET datestyle = 'SQL, DMY';
            ALTER DATABASE postgres SET extra_float_digits = -5;
            ALTER DATABASE postgres SET search_path = elsewhere;
            ALTER ROLE postgres SET default_transaction_read_only = on;
            ALTER ROLE postgres SET quote_all_identifiers = on;
            ALTER ROLE postgres SET default_transaction_isolation = serializable;
            ALTER ROLE postgres SET idle_in_transaction_session_timeout = '1s';
            CREATE ROLE lesser; ALTER ROLE postgres SET role = lesser`);
        await plain.end();
        const twisted = await open("-c intervalstyle=iso_8601 -c statement_timeout=60000");
        try {
            await prepareSession(twisted);
            const { rows } = await twisted.query(`
                SELECT '2026-03-04'::date::text AS date, 0.1::float8::text AS float, interval '1 day'::text AS span,
                    'pg_class'::regclass::text AS name, current_user = session_user AS is_itself,
                    current_setting('statement_timeout') AS timeout, current_setting('search_path') AS path,
                    current_setting('transaction_isolation') AS isolation,
                    current_setting('idle_in_transaction_session_timeout') AS idle`);
            assert.deepEqual(rows, [
                {
                    date: "2026-03-04",
                    float: "0.1",
                    span: "1 day",
                    name: "pg_class",
                    is_itself: true,
                    timeout: "0",
                    path: "pg_catalog, pg_temp",
                    isolation: "read committed",
                    idle: "0",
                },
            ]);
            await twisted.query("CREATE TABLE public.written ()");
        } finally {
            await twisted.end();
        }
    });

    it("is opened with the former password as long as the server has that", async () => {
        const { host, port, user, password, database } = server;
        const connection = { ...{ host, port, user, database }, password: "swordfish-2", caPath };
        const works = (client: pg.Client): Promise<string> => Promise.resolve(client.user ?? "");
        assert.equal(await withClient({ ...connection, formerPassword: password }, works), user);
        const interruptedTwice = { ...connection, formerPassword: `swordfish-1 ${password}` };
        assert.equal(await withClient(interruptedTwice, works), user);
        for (const wrong of [{}, { formerPassword: "swordfish-1 swordfish-0" }]) {
            await assert.rejects(withClient({ ...connection, ...wrong }, works), (error: Error) => {
                assert.match(error.message, /^The database .* refused the password of user "/u);
                assert.doesNotMatch(error.message, /swordfish/u);
                return true;
            });
        }
        // Only a refused password asks for another attempt.
        await assert.rejects(
            withClient({ ...connection, database: "none", formerPassword: password }, works),
            /has no database "none"/u,
        );
    });

    it("is the same whatever the environment's PG variables say", async () => {
        const variables = {
            PGOPTIONS: "-c default_transaction_read_only=on -c statement_timeout=50",
            PGREPLICATION: "database",
            PGSSLNEGOTIATION: "x",
            PGCLIENTENCODING: "LATIN1",
        };
        const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
        Object.assign(process.env, variables);
        try {
            const { host, port, user, password, database } = server;
            const rows = await withClient(
                { ...{ host, port, user, password, database }, caPath },
                async (client) => {
                    await client.query("CREATE TABLE public.also_written ()");
                    const slept = await client.query<{ euro: string }>(
                        "SELECT '€' AS euro FROM pg_sleep(0.1)",
                    );
                    return slept.rows;
                },
            );
            assert.deepEqual(rows, [{ euro: "€" }]);
        } finally {
            for (const [name, value] of before) {
                if (value === undefined) {
                    Reflect.deleteProperty(process.env, name);
                } else {
                    process.env[name] = value;
                }
            }
        }
    });
});
