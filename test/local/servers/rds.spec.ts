import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, readFile, rename, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { Client, type ClientConfig } from "pg";
import { recordedPid } from "../../../local/servers/postgres";
import { commandOf } from "../../../local/servers/process";
import {
    applyParameters,
    createRdsServer,
    isRdsServerRunning,
    rebootRdsServer,
    removeRdsServer,
    setMasterPassword,
    startRdsServer,
    stopRdsServer,
    syncReplicationAttribute,
} from "../../../local/servers/rds";
import { rdsFolder, readRecord } from "../../../local/servers/rdsFiles";
import { authorityFiles } from "../../../local/servers/tls";
import { makeTempDir } from "../../../testing/tempDir";
import { until } from "../../../testing/until";

const ID = "source";
const LOGICAL = [
    { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
    { name: "track_commit_timestamp", value: "1", applyMethod: "pending-reboot" },
    { name: "wal_sender_timeout", value: "0", applyMethod: "immediate" },
];

describe("RDS server", function () {
    let stackDir: string;

    async function login(overrides: ClientConfig = {}): Promise<ClientConfig> {
        const { port } = await readRecord(stackDir, ID);
        return {
            host: "localhost",
            port,
            user: "auditor_admin",
            password: "master-password",
            database: "shop",
            ssl: { ca: await readFile(authorityFiles(stackDir).certPath, "utf8") },
            ...overrides,
        };
    }

    async function query(sql: string, overrides: ClientConfig = {}) {
        const client = new Client(await login(overrides));
        client.on("error", () => undefined);
        await client.connect();
        try {
            return (await client.query<Record<string, unknown>>(sql)).rows;
        } finally {
            await client.end();
        }
    }

    async function setting(name: string): Promise<unknown> {
        return (await query(`SELECT current_setting('${name}') AS value`))[0]?.value;
    }

    before(async () => {
        stackDir = await makeTempDir();
        await createRdsServer(stackDir, ID, {
            major: 17,
            masterUsername: "auditor_admin",
            masterPassword: "master-password",
            databaseName: "shop",
            parameters: LOGICAL,
        });
    });

    after(async () => {
        await removeRdsServer(stackDir, ID);
        await rm(stackDir, { recursive: true, force: true });
    });

    it("does not answer before an instance starts it", async () => {
        assert.equal(await isRdsServerRunning(stackDir, ID), false);
        await startRdsServer(stackDir, ID);
        assert.deepEqual(await query("SELECT 1 AS one"), [{ one: 1 }]);
    });

    it("refuses a wrong password, an unencrypted session and a stranger's certificate", async () => {
        await assert.rejects(query("SELECT 1", { password: "wrong" }), /password authentication/);
        await assert.rejects(
            query("SELECT 1", { ssl: false }),
            /no pg_hba.conf entry.*no encryption/,
        );
        await assert.rejects(query("SELECT 1", { ssl: { ca: [] } }), /certificate/i);
    });

    it("lets the master user make roles and databases, but not be a superuser", async () => {
        assert.deepEqual(
            await query(
                `SELECT rolsuper, rolcreaterole, rolcreatedb, pg_has_role('rds_superuser', 'USAGE') AS managed
                 FROM pg_roles WHERE rolname = current_user`,
            ),
            [{ rolsuper: false, rolcreaterole: true, rolcreatedb: true, managed: true }],
        );
        assert.deepEqual(
            await query(
                "SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = 'shop'",
            ),
            [{ owner: "auditor_admin" }],
        );
        await assert.rejects(query("COPY (SELECT 1) TO '/dev/null'"), /permission denied/);
        await query("CREATE TABLE public.items (item_id integer PRIMARY KEY)");
    });

    it("gives REPLICATION to exactly the members of rds_replication", async () => {
        await query(`CREATE ROLE reader LOGIN PASSWORD 'reader-password';
                     CREATE ROLE streamer LOGIN PASSWORD 'streamer-password';
                     GRANT rds_replication TO streamer;
                     GRANT rds_superuser TO streamer`);
        const makeSlot = "SELECT pg_create_logical_replication_slot('probe', 'test_decoding')";
        const dropSlot = "SELECT pg_drop_replication_slot('probe')";
        const reader = { user: "reader", password: "reader-password" };
        const streamer = { user: "streamer", password: "streamer-password" };
        await syncReplicationAttribute(stackDir, ID);
        await assert.rejects(query(makeSlot, reader), /permission denied/);
        await query(`${makeSlot}; ${dropSlot}`, streamer);
        await query("REVOKE rds_replication, rds_superuser FROM streamer");
        await syncReplicationAttribute(stackDir, ID);
        await assert.rejects(query(makeSlot, streamer), /permission denied/);
    });

    it("applies dynamic parameters at once and static ones at the next start", async () => {
        assert.equal(await setting("wal_level"), "logical");
        assert.equal(await setting("track_commit_timestamp"), "on");
        assert.equal(await setting("wal_sender_timeout"), "0");
        await applyParameters(stackDir, ID, [
            { name: "max_connections", value: "33", applyMethod: "pending-reboot" },
            { name: "wal_sender_timeout", value: "45s" },
            { name: "rds.force_ssl", value: "0" },
        ]);
        await until(async () => (await setting("wal_sender_timeout")) === "45s");
        assert.equal(await setting("wal_level"), "logical");
        assert.equal(await setting("max_connections"), "100");
        assert.deepEqual(await query("SELECT 1 AS one", { ssl: false }), [{ one: 1 }]);
        await rebootRdsServer(stackDir, ID);
        assert.equal(await setting("wal_level"), "replica");
        assert.equal(await setting("max_connections"), "33");
        await applyParameters(stackDir, ID, LOGICAL);
        await rebootRdsServer(stackDir, ID);
        assert.equal(await setting("wal_level"), "logical");
    });

    it("changes the master password and keeps it out of every file", async () => {
        await setMasterPassword(stackDir, ID, "a 'quoted' \\ password");
        await assert.rejects(query("SELECT 1"), /password authentication/);
        await query("SELECT 1", { password: "a 'quoted' \\ password" });
        await setMasterPassword(stackDir, ID, "master-password");
        const { folder, logFile, passwordFile } = rdsFolder(stackDir, ID);
        assert.equal((await stat(passwordFile)).mode & 0o777, 0o600);
        for (const file of [logFile, path.join(folder, "server.json")]) {
            assert.doesNotMatch(await readFile(file, "utf8"), /master-password|quoted/);
        }
    });

    it("comes back after kill -9 with its data", async () => {
        const { dataDir, logFile } = rdsFolder(stackDir, ID);
        await query("INSERT INTO public.items VALUES (1), (2)");
        const pid = await recordedPid({ bin: "", dataDir, logFile });
        assert.ok(pid !== undefined);
        process.kill(pid, "SIGKILL");
        await until(async () => !(await isRdsServerRunning(stackDir, ID)));
        await startRdsServer(stackDir, ID);
        assert.deepEqual(await query("SELECT count(*)::int AS n FROM public.items"), [{ n: 2 }]);
    });

    it("says so when its port was taken meanwhile", async () => {
        const { port } = await readRecord(stackDir, ID);
        await stopRdsServer(stackDir, ID);
        const other = createServer().listen(port, "127.0.0.1");
        await once(other, "listening");
        try {
            await assert.rejects(
                startRdsServer(stackDir, ID),
                new RegExp(
                    `Cluster "source" cannot start: another program listens on its port ${port}`,
                ),
            );
        } finally {
            other.close();
            await once(other, "close");
        }
        await startRdsServer(stackDir, ID);
    });

    it("is told from a copy of its folder, stopped where that was renamed, and started anew there", async () => {
        await startRdsServer(stackDir, ID);
        const copy = `${stackDir}-copy`;
        await cp(stackDir, copy, { recursive: true });
        try {
            assert.equal(await isRdsServerRunning(copy, ID), false);
            await stopRdsServer(copy, ID);
            assert.equal(await isRdsServerRunning(stackDir, ID), true);
        } finally {
            await rm(copy, { recursive: true, force: true });
        }

        const renamed = `${stackDir}-renamed`;
        await rename(stackDir, renamed);
        stackDir = renamed;
        assert.equal(await isRdsServerRunning(stackDir, ID), false);
        await startRdsServer(stackDir, ID);
        assert.equal(await isRdsServerRunning(stackDir, ID), true);
        assert.deepEqual(await query("SELECT 1 AS one"), [{ one: 1 }]);

        const { dataDir } = rdsFolder(stackDir, ID);
        const pid = await recordedPid({ bin: "", dataDir, logFile: "" });
        const back = renamed.replace("-renamed", "");
        await rename(renamed, back);
        stackDir = back;
        await stopRdsServer(stackDir, ID);
        assert.equal(await commandOf(pid ?? NaN), undefined);
    });
});
