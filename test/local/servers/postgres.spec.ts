import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { Client } from "pg";
import { failureReason } from "../../../local/servers/failureReason";
import { isPortFree, serverPorts } from "../../../local/servers/ports";
import { fatalLine, initServer, quoteSetting, startServer } from "../../../local/servers/postgres";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";

async function query(server: ScratchServer, sql: string, password = server.password) {
    const client = new Client({ ...server, password });
    await client.connect();
    try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
        await client.end();
    }
}

describe("scratch server", function () {
    let server: ScratchServer;

    before(async () => {
        server = await scratchServer({ settings: { max_replication_slots: "7" } });
    });

    after(async () => {
        await server.stop();
    });

    it("is a PostgreSQL 17 with the wanted settings and no socket file", async () => {
        const [row] = await query(
            server,
            `SELECT current_setting('server_version_num')::int / 10000 AS major,
                    current_setting('max_replication_slots') AS slots,
                    current_setting('unix_socket_directories') AS sockets`,
        );
        assert.deepEqual(row, { major: 17, slots: "7", sockets: "" });
    });

    it("refuses a wrong password", async () => {
        await assert.rejects(query(server, "SELECT 1", "wrong"), /password authentication failed/);
    });

    it("has setting values quoted so that the server reads back what was meant", () => {
        fc.assert(
            fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 30 }), (text) => {
                const quoted = quoteSetting(text);
                // The reader of postgresql.conf: '' is a quote, \\ a backslash.
                const read = quoted.slice(1, -1).replace(/''|\\\\/g, (pair) => pair.charAt(0));
                assert.equal(read, text);
                assert.match(quoted, /^'.*'$/);
            }),
        );
    });
});

describe("why a program of PostgreSQL failed", () => {
    const reasonOf = (stderr: string): string => failureReason({ stderr });

    it("is what it says first, not how it tidied up", () => {
        assert.equal(
            reasonOf(`2026-11-26 06:00:00.000 UTC [7] FATAL:  could not write to file "pg_wal/xlogtemp.7": No space left on device
child process exited with exit code 1
initdb: removing contents of data directory "/x"
`),
            'could not write to file "pg_wal/xlogtemp.7": No space left on device',
        );
        assert.equal(
            reasonOf(
                'initdb: error: could not write file "/x/PG_VERSION": No space left on device\ninitdb: removing data directory "/x"\n',
            ),
            'could not write file "/x/PG_VERSION": No space left on device',
        );
        assert.equal(
            reasonOf(
                'child process was terminated by signal 7: Bus error\ninitdb: removing contents of data directory "/x"\n',
            ),
            "child process was terminated by signal 7: Bus error",
        );
    });

    it("is the error's own message where it printed nothing", () => {
        assert.equal(failureReason(new Error("spawn initdb ENOENT")), "spawn initdb ENOENT");
        assert.equal(
            reasonOf('initdb: removing contents of data directory "/x"\n'),
            "it gave no reason",
        );
    });
});

describe("why a server did not start", () => {
    it("is what it has logged itself, and not what the sessions of its killed predecessor have", () => {
        const orphan = "[7] FATAL:  terminating connection due to unexpected postmaster exit\n";
        const early = "[9] FATAL:  the database system is starting up\n";
        const own = "[8] FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n";
        const hint = "[8] HINT:  Terminate any old server processes.\n";
        const reason = "pre-existing shared memory block (key 1, ID 2) is still in use";
        for (const log of [own + hint, orphan + own + hint, orphan + early + own + orphan]) {
            assert.equal(fatalLine(log), reason);
        }
        assert.equal(fatalLine(`LOG:  hello\n${orphan}${early}`), undefined);
        assert.equal(fatalLine("[8] PANIC:  no space\n"), "no space");
    });

    it("is how its program ended, and the end of its log, where it gave no reason", async () => {
        const bin = await mkdtemp(path.join(tmpdir(), "audit-trail-bin-"));
        try {
            await chmod(bin, 0o755);
            const files = { bin, dataDir: bin, logFile: path.join(bin, "log") };
            for (const [script, reason] of [
                ["exit 3", "it ended at its start with exit code 3"],
                ["kill -KILL $$", "it was ended at its start by SIGKILL"],
                [
                    'echo "LOG:  begun"; echo "LOG:  odd"; exit 1',
                    'it ended at its start with exit code 1; its log ends with "LOG:  odd"',
                ],
            ] as const) {
                await writeFile(path.join(bin, "postgres"), `#!/bin/sh\n${script}\n`, {
                    mode: 0o755,
                });
                await assert.rejects(startServer(files, 1), {
                    message: `The PostgreSQL server in ${bin} did not start on port 1: ${reason} (log: ${files.logFile})`,
                });
            }
        } finally {
            await rm(bin, { recursive: true, force: true });
        }
    });
});

describe("the path of PostgreSQL's programs", () => {
    it("is refused where initdb would hand it to a shell that reads it", async () => {
        for (const bin of [
            "/a$(touch pwned)/bin",
            "/a`touch pwned`/bin",
            '/a"b/bin',
            "/a\\b/bin",
        ]) {
            const folder = path.join(tmpdir(), "audit-trail-never-made");
            const files = { bin, dataDir: path.join(folder, "data"), logFile: "" };
            await assert.rejects(
                initServer(files, { name: "postgres", password: "x" }),
                /^Error: PostgreSQL cannot be set up with its programs in ".*": initdb hands that path to a shell, /,
            );
            assert.ok(!existsSync(folder));
        }
    });
});

describe("the port of a server", () => {
    it("is none that the system gives to outgoing connections", () => {
        const ports = serverPorts([32_768, 60_999]);
        assert.deepEqual([ports[0], ports.at(-1)], [20_000, 65_535]);
        assert.ok(!ports.some((port) => port >= 32_768 && port <= 60_999));
        assert.equal(serverPorts([1_024, 65_535]).length, 45_536);
        assert.equal(serverPorts([20_010, 65_535]).length, 45_536);
    });
});

describe("scratch server of a process that is killed", function () {
    it("ends with it and leaves no file", async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "audit-trail-killed-"));
        const support = path.resolve(__dirname, "../../../testing/postgres");
        const script = `require(${JSON.stringify(support)}).scratchServer().then((s) => { console.log(s.port); setInterval(() => {}, 1000); });`;
        const owner = spawn(process.execPath, ["--require", "tsx/cjs", "-e", script], {
            stdio: ["ignore", "pipe", "inherit"],
            env: { ...process.env, TMPDIR: folder },
        });
        try {
            const [line] = (await once(createInterface(owner.stdout), "line")) as [string];
            const port = Number(line);
            assert.equal(await isPortFree(port), false);
            owner.kill("SIGKILL");
            await until(async () => (await serverFolders(folder)).length === 0);
            assert.equal(await isPortFree(port), true);
        } finally {
            owner.kill("SIGKILL");
            await rm(folder, { recursive: true, force: true });
        }
    });
});

async function serverFolders(folder: string): Promise<string[]> {
    return (await readdir(folder)).filter((name) => name.startsWith("audit-trail-pg-"));
}
