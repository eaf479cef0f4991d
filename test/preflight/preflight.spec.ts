import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { preflightProvider } from "../../components/database/sourcePreflight";
import { prepareSession } from "../../database/session";
import { findBinaries } from "../../local/servers/binaries";
import { startServer, stopServer } from "../../local/servers/postgres";
import { createRdsServer, removeRdsServer, startRdsServer } from "../../local/servers/rds";
import { readRecord } from "../../local/servers/rdsFiles";
import { authorityFiles } from "../../local/servers/tls";
import { activityFindings } from "../../preflight/activityChecks";
import { refuseUnready } from "../../preflight/gate";
import { preflight, type PreflightReport } from "../../preflight/preflight";
import { factQueries, readFacts } from "../../preflight/readFacts";
import { reportLines } from "../../preflight/reportText";
import type { Wishes } from "../../preflight/wishes";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { makeTempDir } from "../../testing/tempDir";
import { connect } from "../../testing/trailDatabase";
import { until } from "../../testing/until";
import type { TableName } from "../../trail/tableDefinition";

const WISHES: Wishes = { choices: [], guards: true, demoTable: false };

function inPublic(...names: readonly string[]): TableName[] {
    return names.map((table) => ({ schema: "public", table }));
}

async function look(
    client: Client,
    tables: readonly TableName[],
    wishes: Partial<Wishes> = {},
): Promise<PreflightReport> {
    await prepareSession(client, { default_transaction_read_only: "on" });
    const query = async <T extends object>(sql: string, parameters: readonly unknown[]) =>
        (await client.query<T>(sql, [...parameters])).rows;
    try {
        return await preflight(query, tables, {
            ...WISHES,
            maxLobSizeKb: 64,
            windowMs: 20,
            ...wishes,
        });
    } finally {
        await client.query("RESET ALL");
    }
}

/** Asserts that the report has these findings (severity, check and words of each), and no other that is more than a note. */
function assertFound(
    report: PreflightReport,
    wanted: readonly (readonly [string, string, RegExp])[],
): void {
    const told = report.findings.map(
        ({ severity, check, found, mend }) => `${severity} ${check}: ${found} ${mend}`,
    );
    for (const [severity, check, words] of wanted) {
        assert.ok(
            told.some((one) => one.startsWith(`${severity} ${check}: `) && words.test(one)),
            `${severity} ${check} ${String(words)} is not in\n${told.join("\n")}`,
        );
    }
    const known = new Set(wanted.map(([severity, check]) => `${severity} ${check}`));
    const others = report.findings
        .filter(({ severity }) => severity !== "note")
        .filter(({ severity, check }) => !known.has(`${severity} ${check}`));
    assert.deepEqual(others, []);
    assert.equal(report.ready, !wanted.some(([severity]) => severity === "must"));
    for (const line of reportLines(report)) {
        assert.ok(line.length <= 80 || /^ {2}\[\d+\] https:|^\S+$/u.test(line), line);
    }
}

/** Settings of a server with every fault at once. */
const FAULTY_SETTINGS = {
    wal_level: "replica",
    max_replication_slots: "1",
    max_wal_senders: "0",
    wal_sender_timeout: "5s",
    max_slot_wal_keep_size: "1GB",
    max_prepared_transactions: "3",
    synchronous_commit: "off",
    session_replication_role: "replica",
    idle_in_transaction_session_timeout: "30s",
};

/** What makes the other faults in it, statement by statement. */
const FAULTS = [
    "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    "ALTER SYSTEM SET max_connections = 50",
    "SELECT pg_reload_conf()",
    "CREATE ROLE app",
    "CREATE ROLE deployer LOGIN PASSWORD 'scratch'",
    "ALTER ROLE app SET synchronous_commit = off",
    "ALTER ROLE app SET session_replication_role = replica",
    "ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'",
    "ALTER DATABASE postgres SET TimeZone = 'Europe/Paris'",
    "SELECT pg_create_physical_replication_slot('forgotten', true)",
    "CREATE TABLE plain (id integer PRIMARY KEY, note text)",
    "INSERT INTO plain VALUES (0, repeat('é', 40000))",
    "CREATE TABLE keyless (id integer)",
    "CREATE TABLE hosts (id integer PRIMARY KEY, address inet)",
    "CREATE TABLE postponed (id integer PRIMARY KEY DEFERRABLE)",
    "CREATE TABLE nothing (id integer PRIMARY KEY)",
    "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
    "CREATE TABLE whole (id integer PRIMARY KEY)",
    "ALTER TABLE whole REPLICA IDENTITY FULL",
    "CREATE UNLOGGED TABLE unlogged (id integer PRIMARY KEY)",
    "CREATE TABLE parent (id integer PRIMARY KEY)",
    "CREATE TABLE heir () INHERITS (parent)",
    "CREATE TABLE secured (id integer PRIMARY KEY)",
    "ALTER TABLE secured ENABLE ROW LEVEL SECURITY",
    "CREATE VIEW seen AS SELECT 1 AS id",
    "CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE UNLOGGED TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
];

/** One more row, in a transaction that is prepared and not ended. */
const PREPARED = "BEGIN; INSERT INTO plain VALUES (1); PREPARE TRANSACTION 'it''s'";

const FAULTY_TABLES = inPublic(
    ...["plain", "keyless", "hosts", "postponed", "nothing", "whole", "unlogged", "parent"],
    ...["secured", "seen", "parts", "absent"],
);

/** What a look at these tables in such a server finds. */
const FOUND: readonly (readonly [string, string, RegExp])[] = [
    ["must", "large objects", /of all rows of the column "note" of public\.plain has 78 kB/],
    ["must", "wal_level", /ALTER SYSTEM SET wal_level = 'logical', then restart/],
    ["must", "wal_sender_timeout", /5000 ms.*ALTER SYSTEM SET wal_sender_timeout = '0'/],
    ["must", "tls", /no TLS/],
    ["must", "max_replication_slots", /Of 1 .* none is free/],
    ["must", "max_wal_senders", /Of 0 .* none is free/],
    ["should", "max_slot_wal_keep_size", /is 1024 MB/],
    ["should", "synchronous_commit", /is off: .*ALTER SYSTEM/],
    ["should", "synchronous_commit", /for the role app in every.*ALTER ROLE "app" RESET/],
    ["should", "session_replication_role", /by the configuration/],
    ["should", "session_replication_role", /for the role app in every database/],
    ["should", "prepared transactions", /"it's".*COMMIT PREPARED 'it''s'/],
    ["should", "idle slots", /physical slot forgotten/],
    ["note", "pending restart", /new values for max_connections/],
    ["note", "sessions", /idle_in_transaction_session_timeout = 30000; DateStyle = SQL/],
    ["note", "sessions", /TimeZone = Europe\/Paris/],
    ["note", "replica identity", /public\.whole has REPLICA IDENTITY FULL/],
    ["must", "tables", /public\.keyless has no primary key/],
    ["must", "tables", /public\.postponed has a deferrable/],
    ["must", "tables", /public\.nothing has REPLICA IDENTITY NOTHING/],
    ["must", "tables", /public\.unlogged is UNLOGGED/],
    ["must", "tables", /tables that inherit from it/],
    ["must", "tables", /public\.secured has row security/],
    ["must", "tables", /public\.seen is a view/],
    ["must", "tables", /public\.parts_1 is UNLOGGED/],
    ["must", "tables", /public\.absent does not exist/],
    ["must", "columns", /"address" of public\.hosts.*address: asText, or exclude/],
];

const OF_VERSION_18 = [
    ["must", "version", /PostgreSQL 18/],
    [
        "should",
        "idle_replication_slot_timeout",
        /is 7200 s: .*ALTER SYSTEM SET idle_replication_slot_timeout = '0'/,
    ],
] as const;

describe("preflight on a server with every fault at once", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let superuser: Client;
    const clients: Client[] = [];

    async function open(database: string, user?: string): Promise<Client> {
        const client = await connect(server, { user: user ?? server.user, database });
        clients.push(client);
        return client;
    }

    before(async () => {
        server = await scratchServer({ settings: FAULTY_SETTINGS });
        superuser = await open(server.database);
        for (const statement of FAULTS) {
            await superuser.query(statement);
        }
        const busy = await open(server.database);
        await busy.query(PREPARED);
    });

    after(async () => {
        await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
        await server.stop();
    });

    it("names them all in one run, as each is to be mended", async () => {
        assertFound(await look(superuser, FAULTY_TABLES), FOUND);
    });

    it("says what the user may not who deploys, and what DMS's may not", async () => {
        const deployer = await open(server.database, "deployer");
        const rights = (report: PreflightReport) =>
            report.findings.filter(({ check }) => /right|owner|sessions/u.test(check));
        const report = await look(deployer, inPublic("plain"));
        assert.deepEqual(
            rights(report).map(({ severity, check }) => `${severity} ${check}`),
            ["must replication right", "must schema right", "must table owner", "note sessions"],
        );
        const withoutGuards = await look(deployer, inPublic("plain"), { guards: false });
        assert.ok(withoutGuards.findings.every(({ check }) => check !== "table owner"));
        await superuser.query(`CREATE ROLE audit_trail_dms_source; CREATE SCHEMA audit_trail`);
        try {
            const [login, sessions] = rights(await look(superuser, inPublic("plain")));
            assert.match(login?.found ?? "", /may not log in and may not read the WAL/);
            assert.equal(sessions?.severity, "must");
            assert.match(sessions.found, /has not statement_timeout = 0 in its sessions/);
        } finally {
            await superuser.query(`DROP ROLE audit_trail_dms_source; DROP SCHEMA audit_trail`);
        }
    });

    it("knows Aurora, Limitless, pglogical, and bytes that mean nothing", async () => {
        const ascii = await open("ascii");
        await ascii.query(`
            CREATE FUNCTION aurora_version() RETURNS text LANGUAGE sql AS 'SELECT ''17.7''';
            CREATE SCHEMA rds_aurora; CREATE VIEW rds_aurora.limitless_subclusters AS SELECT 1;
            CREATE ROLE rds_superuser; ALTER DATABASE ascii SET "rds.force_ssl" = '0';
            SET allow_system_table_mods = on;
            INSERT INTO pg_extension VALUES (1, 'pglogical', 10, 11, false, '2.4');
            SET allow_system_table_mods = off`);
        // What a database gives its sessions is there from the next one on.
        const later = await open("ascii");
        const report = await look(later, []);
        const told = new Map([...report.findings].reverse().map((one) => [one.check, one]));
        assert.equal(report.server, "Aurora");
        assert.match(told.get("encoding")?.found ?? "", /SQL_ASCII/);
        assert.match(
            told.get("wal_level")?.mend ?? "",
            /rds\.logical_replication to 1 in the DB cluster parameter group, then reboot the writer/,
        );
        assert.equal(told.get("synchronous_commit")?.severity, "must");
        for (const check of ["limitless", "pglogical", "rds.force_ssl", "max_worker_processes"]) {
            assert.ok(told.has(check), check);
        }
    });

    it("runs no code of a table's owner with the rights of whoever looks", async () => {
        await superuser.query(`
            CREATE FUNCTION public.planted() RETURNS bytea LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $$;
            CREATE TYPE public.made AS (raw bytea);
            CREATE FUNCTION public.planted_cast(public.made) RETURNS bytea LANGUAGE sql AS 'SELECT public.planted()';
            CREATE CAST (public.made AS bytea) WITH FUNCTION public.planted_cast(public.made) AS IMPLICIT`);
        const baits: readonly (readonly [string, string])[] = [
            ["CREATE VIEW public.bait AS SELECT 1 AS id, public.planted() AS raw", "VIEW"],
            ["CREATE TABLE public.bait (id integer PRIMARY KEY, raw public.made)", "TABLE"],
        ];
        for (const [swap, kind] of baits) {
            await superuser.query("CREATE TABLE public.bait (id integer PRIMARY KEY, raw bytea)");
            const catalog = factQueries().catalog;
            const client = await open(server.database);
            await prepareSession(client, { default_transaction_read_only: "on" });
            const query = async <T extends object>(sql: string, parameters: readonly unknown[]) => {
                const { rows } = await client.query<T>(sql, [...parameters]);
                if (sql === catalog) {
                    await superuser.query(
                        `DROP TABLE public.bait; ${swap}; ${kind === "TABLE" ? "INSERT INTO public.bait VALUES (1, ROW('x'))" : ""}`,
                    );
                }
                return rows;
            };
            const options = { ...WISHES, maxLobSizeKb: 64, windowMs: 20 };
            const { lobSizes } = await preflight(query, inPublic("bait"), options);
            await superuser.query(`DROP ${kind} public.bait`);
            assert.match(lobSizes[0]?.problem ?? "", /is not a plain table/u);
        }
    });

    it("knows a slot that has lost its WAL", async () => {
        await superuser.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
        await superuser.query("SELECT pg_reload_conf()");
        await until(async () => {
            await superuser.query("SELECT pg_logical_emit_message(false, 'test', 'x')");
            await superuser.query("SELECT pg_switch_wal()");
            await superuser.query("CHECKPOINT");
            const { rows } = await superuser.query(
                "SELECT FROM pg_replication_slots WHERE wal_status = 'lost'",
            );
            return rows.length > 0;
        }, 30_000);
        const { findings } = await look(superuser, inPublic("plain"));
        const [slot] = findings.filter(({ check }) => check === "idle slots");
        assert.match(slot?.found ?? "", /slot forgotten has lost its WAL and can never be read/);
        assert.match(slot?.mend ?? "", /SELECT pg_drop_replication_slot\('forgotten'\)/);
    });

    it("knows a reader, and tells the rest of it all the same", async () => {
        const { rows } = await superuser.query<{ folder: string }>(
            "SELECT current_setting('data_directory') AS folder",
        );
        const dataDir = rows[0]?.folder ?? "";
        const files = {
            bin: await findBinaries(),
            dataDir,
            logFile: path.join(dataDir, "..", "server.log"),
        };
        // A standby has at least what its primary had.
        await superuser.query("ALTER SYSTEM RESET max_connections");
        await Promise.all(clients.splice(0).map((client) => client.end()));
        await stopServer(files);
        await writeFile(path.join(dataDir, "standby.signal"), "");
        await startServer(files, server.port);
        superuser = await open(server.database);
        const { findings } = await look(superuser, FAULTY_TABLES);
        const checks = findings.map(({ check }) => check);
        assert.equal(checks.includes("writer"), true);
        assert.equal(checks.includes("wal_level"), true);
        assert.equal(checks.includes("columns"), true);
    });
});

for (const major of [15, 16, 18]) {
    describe(`preflight on such a server of PostgreSQL ${String(major)}`, function () {
        this.timeout(120_000);

        it("names the same, its version's own, and a transaction that a slot would wait for", async () => {
            const server = await scratchServer({ major, settings: FAULTY_SETTINGS });
            const { user, database } = server;
            const superuser = await connect(server, { user, database });
            const busy = await connect(server, { user, database });
            try {
                for (const statement of FAULTS) {
                    await superuser.query(statement);
                }
                await busy.query(PREPARED);
                // A new setting of version 18.
                const own = major >= 18 ? OF_VERSION_18 : [];
                if (own.length > 0) {
                    await superuser.query("ALTER SYSTEM SET idle_replication_slot_timeout = '2h'");
                    await superuser.query("SELECT pg_reload_conf()");
                }
                const later = await connect(server, { user, database });
                try {
                    assertFound(await look(later, FAULTY_TABLES), [...FOUND, ...own]);
                    await busy.query("BEGIN; SELECT pg_current_xact_id()");
                    const query = async <T extends object>(
                        sql: string,
                        values: readonly unknown[],
                    ) => (await later.query<T>(sql, [...values])).rows;
                    const facts = await readFacts(query, factQueries(), [], 0);
                    const told = activityFindings(facts.server, facts.activity)
                        .filter(({ check }) => check === "long transactions")
                        .map(({ found }) => found);
                    assert.match(
                        told.join("; "),
                        /^Process \d+ .* has had a transaction that writes for /u,
                    );
                } finally {
                    await later.end();
                }
            } finally {
                await Promise.all([busy.end(), superuser.end()]);
                await server.stop();
            }
        });
    });
}

describe("preflight on a managed server", function () {
    this.timeout(60_000);
    const ID = "source";
    let stackDir: string;
    const clients: Client[] = [];

    async function open(): Promise<Client> {
        const { port } = await readRecord(stackDir, ID);
        const client = new Client({
            host: "localhost",
            port,
            user: "auditor_admin",
            password: "master-password",
            database: "shop",
            ssl: { ca: await readFile(authorityFiles(stackDir).certPath, "utf8") },
        });
        client.on("error", () => undefined);
        await client.connect();
        clients.push(client);
        return client;
    }

    before(async () => {
        stackDir = await makeTempDir();
        await createRdsServer(stackDir, ID, {
            major: 17,
            masterUsername: "auditor_admin",
            masterPassword: "master-password",
            databaseName: "shop",
            parameters: [
                {
                    name: "rds.logical_replication",
                    value: "1",
                    applyMethod: "pending-reboot",
                },
            ],
        });
        await startRdsServer(stackDir, ID);
    });

    after(async () => {
        await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
        await removeRdsServer(stackDir, ID);
        await rm(stackDir, { recursive: true, force: true });
    });

    it("finds nothing to mend, also before the demo table is there", async () => {
        const master = await open();
        await master.query("CREATE TABLE orders (id integer PRIMARY KEY, note text)");
        const report = await look(master, inPublic("items", "orders"), { demoTable: true });
        assertFound(report, []);
        assert.equal(report.server, "RDS");
        const { volume } = report;
        assert.ok((volume?.walBytesPerDay ?? 0) > 0, JSON.stringify(volume));
        assert.ok(reportLines(report).some((line) => /^ {2}public\.orders {2,}0 /u.test(line)));
        assert.match(reportLines(report).at(-1) ?? "", /^Ready for a deployment\.$/);
        assert.equal((await look(master, inPublic("items"))).ready, false);
    });

    it("lets a deployment begin there, and refuses one with all that is missing", async () => {
        const { port } = await readRecord(stackDir, ID);
        const connection = {
            host: "localhost",
            port,
            database: "shop",
            user: "auditor_admin",
            password: "master-password",
            caPath: authorityFiles(stackDir).certPath,
        };
        const source = {
            connection,
            tables: inPublic("items", "orders"),
            wishes: { ...WISHES, demoTable: true },
            wayIn: "psql.",
        };
        const { check, create } = preflightProvider;
        assert.ok(check !== undefined);
        // What the engine hands over in the place of a state that there is not.
        const none = {} as typeof source;
        assert.deepEqual(await check(none, source), { inputs: source });
        await create(source);
        const master = await open();
        await master.query("CREATE TABLE keyless (id integer, address inet)");
        await master.query("ALTER ROLE auditor_admin SET wal_sender_timeout = '5s'");
        const tables = inPublic("keyless", "absent");
        const told = [
            /^wal_sender_timeout is 5000 ms.* Set wal_sender_timeout to 0 in the DB parameter group\.$/mu,
            /^The table public\.keyless has no primary key, .*: add one\.$/mu,
            /^The table public\.absent does not exist in the source database: create it/mu,
            /^ {4}public\.keyless:\n {6}address: asText # or exclude$/mu,
            /^The source is there to create tables in: psql\.$/mu,
        ];
        const isWhole = ({ message }: Error): boolean => told.every((words) => words.test(message));
        await assert.rejects(check(none, { ...source, tables }), isWhole);
        await assert.rejects(create({ ...source, tables }), isWhole);
        await assert.rejects(refuseUnready({ ...source, tables }), isWhole);
        // Neither a later update nor a preview that cannot get there is kept from anything.
        await check(source, { ...source, tables });
        const down = { ...connection, port: 1 };
        await check(none, { ...source, connection: down });
        await master.query("CREATE SCHEMA audit_trail");
        await create({ ...source, tables });
        await master.query("DROP SCHEMA audit_trail; ALTER ROLE auditor_admin RESET ALL");
    });

    it("sees who else reads the WAL, and a transaction that a slot would wait for", async () => {
        const [master, other] = [await open(), await open()];
        await other.query(
            "SELECT pg_create_logical_replication_slot('elsewhere', 'test_decoding', true)",
        );
        await other.query("SELECT pg_create_logical_replication_slot('idle', 'pgoutput')");
        const { findings } = await look(master, inPublic("orders"));
        const told = findings.map(({ check, found }) => `${check}: ${found}`).join("\n");
        assert.match(told, /other consumers: Somebody else reads the test_decoding slot elsewhere/);
        assert.match(told, /idle slots: Nobody reads the pgoutput slot idle, .* of WAL/);
        await other.query("SELECT pg_drop_replication_slot('idle')");
    });
});
