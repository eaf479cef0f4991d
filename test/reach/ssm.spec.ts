import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import { type Dialer, openDialer } from "../../reach/dialer";
import type { SsmRoute } from "../../reach/route";
import { REACH_SETTINGS, type ReachSettings } from "../../reach/settings";
import { type FakeSystemsManager, fakeSystemsManager } from "../../testing/systemsManager";
import { until } from "../../testing/until";

const IMPATIENT: ReachSettings = {
    ...REACH_SETTINGS,
    arrivalMs: 0,
    openMs: 10_000,
    connectMs: 5_000,
    lingerMs: 20,
};

interface DatabaseServer {
    readonly server: Server;
    readonly port: number;
    /** How often it was asked whether it is there. */
    questions(): number;
}

/** Answers the question of a tunnel as PostgreSQL does, and sends back whatever else it gets. */
async function databaseServer(): Promise<DatabaseServer> {
    let questions = 0;
    const server = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.once("data", (first: Buffer) => {
            if (first.equals(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]))) {
                questions += 1;
                socket.write("N");
                return;
            }
            socket.write(first);
            socket.pipe(socket);
        });
    });
    await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
    });
    return { server, port: (server.address() as AddressInfo).port, questions: () => questions };
}

function isRunning(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

describe("reach: ssm", function () {
    this.timeout(30_000);
    let manager: FakeSystemsManager;
    let database: DatabaseServer;
    let count = 0;
    const dialers: Dialer[] = [];

    before(async () => {
        manager = await fakeSystemsManager();
        database = await databaseServer();
    });
    beforeEach(() => {
        manager.plan = {};
        manager.calls.length = 0;
    });
    afterEach(async () => {
        await Promise.all(dialers.splice(0).map((dialer) => dialer.close()));
    });
    after(async () => {
        await until(() => Promise.resolve(manager.started().every(({ pid }) => !isRunning(pid))));
        database.server.close();
        await manager.stop();
    });

    /** A route of its own for each test, so that they share no tunnel. */
    function nextRoute(): SsmRoute {
        count += 1;
        return {
            kind: "ssm",
            instanceId: `i-${String(count).padStart(17, "0")}`,
            region: "eu-west-1",
        };
    }

    function open(settings: Partial<ReachSettings> = {}, route = nextRoute()): Dialer {
        const dialer = openDialer(route, { ...IMPATIENT, ...settings });
        dialers.push(dialer);
        return dialer;
    }

    async function answer(dialer: Dialer, sent: Buffer): Promise<Buffer> {
        const stream = await dialer.connect("127.0.0.1", database.port);
        const chunks: Buffer[] = [];
        let length = 0;
        stream.on("data", (chunk: Buffer) => {
            chunks.push(chunk);
            length += chunk.length;
        });
        stream.write(sent);
        await until(() => Promise.resolve(length >= sent.length));
        stream.destroy();
        return Buffer.concat(chunks);
    }

    const sessions = (): number => manager.calls.filter((call) => call === "StartSession").length;

    it("carries 10 MB through one session that two dialers share, and ends it", async () => {
        const route = nextRoute();
        const [one, two] = [open({}, route), open({}, route)];
        const sent = randomBytes(10 << 20);
        const before = manager.started().length;
        const [first, second] = await Promise.all([
            answer(one, sent),
            answer(two, Buffer.from("x")),
        ]);
        assert.ok(first.equals(sent));
        assert.equal(second.toString(), "x");
        assert.equal(sessions(), 1);
        await Promise.all([one.close(), two.close()]);
        await until(() => Promise.resolve(manager.calls.includes("TerminateSession")));
        const [plugin] = manager.started().slice(before);
        await until(() => Promise.resolve(plugin !== undefined && !isRunning(plugin.pid)));
    });

    it("gives the plugin no token in an argument, and of the environment only what is AWS's", async () => {
        process.env.PGPASSWORD = "swordfish";
        process.env.PULUMI_CONFIG_PASSPHRASE = "swordfish";
        const before = manager.started().length;
        try {
            await answer(open(), Buffer.from("x"));
        } finally {
            delete process.env.PGPASSWORD;
            delete process.env.PULUMI_CONFIG_PASSPHRASE;
        }
        const [plugin] = manager.started().slice(before);
        assert.deepEqual(plugin?.args.slice(0, 4), [
            ...["AWS_SSM_START_SESSION_RESPONSE", "eu-west-1", "StartSession", ""],
        ]);
        assert.ok(!plugin.args.join(" ").includes("swordfish"));
        assert.deepEqual(
            plugin.names.filter((name) => /^(PG|PULUMI)/.test(name)),
            [],
        );
    });

    it("gives a session in use a sign of life, which the server answers", async () => {
        const stream = await open({ keepAliveMs: 50 }).connect("127.0.0.1", database.port);
        const before = database.questions();
        await until(() => Promise.resolve(database.questions() >= before + 3));
        assert.ok(!stream.destroyed);
        stream.destroy();
    });

    it("opens a new session when one was cut, and says so when that is cut as well", async () => {
        const dialer = open();
        const before = manager.started().length;
        assert.equal((await answer(dialer, Buffer.from("x"))).toString(), "x");
        const [plugin] = manager.started().slice(before);
        assert.ok(plugin);
        process.kill(plugin.pid, "SIGKILL");
        await until(() => Promise.resolve(!isRunning(plugin.pid)));
        assert.equal((await answer(dialer, Buffer.from("y"))).toString(), "y");
        assert.equal(sessions(), 2);
        await dialer.close();

        manager.plan = { cut: true };
        await assert.rejects(
            open().connect("127.0.0.1", database.port),
            /^Error: The tunnel through the psql host i-\d+ to .* was cut twice \(.*\); .*\.$/,
        );
        assert.equal(sessions(), 4);
    });

    it("says what Systems Manager refused, and how to mend it", async () => {
        const refused = async (refusal: string): Promise<string> => {
            manager.plan = { refusal };
            const error: unknown = await open()
                .connect("127.0.0.1", database.port)
                .catch((thrown: unknown) => thrown);
            assert.ok(error instanceof Error);
            assert.match(error.message, /^[A-Z].*\.$/);
            return error.message;
        };
        assert.match(await refused("TargetNotConnected"), /is not connected to Systems Manager/);
        assert.match(await refused("ExpiredTokenException"), /log in again .*aws sso login/);
        assert.match(await refused("AccessDeniedException"), /may not start .*ssm:StartSession/);
        assert.match(await refused("InvalidDocument"), /did not start a session .*InvalidDocument/);
    });

    it("waits for a host that has just booted", async () => {
        manager.plan = { refusal: "TargetNotConnected", refusals: 1 };
        assert.equal((await answer(open({ arrivalMs: 5_000 }), Buffer.from("x"))).toString(), "x");
    });

    it("says that the host cannot reach the database, that the plugin failed, is too old or missing", async () => {
        const closed = await databaseServer();
        await new Promise((resolve) => closed.server.close(resolve));
        await assert.rejects(
            open().connect("127.0.0.1", closed.port),
            /^Error: The psql host i-\d+ cannot reach 127\.0\.0\.1:\d+; .*security group.*\.$/,
        );
        manager.plan = { fails: true };
        await assert.rejects(
            open().connect("127.0.0.1", database.port),
            /did not open the way .*\(Cannot perform start session: websocket: bad handshake\)/,
        );
        const { PATH } = process.env;
        process.env.AWS_FAKE_PLUGIN_VERSION = "1.2.497.0";
        try {
            const calls = manager.calls.length;
            const attempt = (): Promise<unknown> => open().connect("127.0.0.1", database.port);
            await assert.rejects(attempt(), /plugin is 1\.2\.497\.0, .*; install .*1\.2\.536\.0/);
            process.env.PATH = "/nowhere";
            await assert.rejects(attempt(), /plugin is not installed, .*; install .*\.$/);
            assert.equal(manager.calls.length, calls);
        } finally {
            process.env.PATH = PATH;
            delete process.env.AWS_FAKE_PLUGIN_VERSION;
        }
    });

    describe("in a process of its own", () => {
        const script = `
            const { openDialer } = require(${JSON.stringify(path.resolve("reach/dialer.ts"))});
            const { REACH_SETTINGS } = require(${JSON.stringify(path.resolve("reach/settings.ts"))});
            const [route, port, hold, outlivesCtrlC] = JSON.parse(process.argv[1]);
            const dialer = openDialer(route, { ...REACH_SETTINGS, outlivesCtrlC });
            dialer.connect("127.0.0.1", port).then((stream) => {
                console.log("connected");
                if (!hold) stream.destroy();
                if (!outlivesCtrlC) return;
                process.on("SIGINT", () => {
                    stream.once("data", (answer) => process.exit(String(answer) === "x" ? 0 : 1));
                    // Once the plugin has had the time to hear it too.
                    dialer.connect("127.0.0.1", port).then(() => stream.write("x"));
                });
            });`;

        async function run(
            hold: boolean,
            outlivesCtrlC = false,
        ): Promise<{ child: ChildProcess; plugin: number }> {
            const before = manager.started().length;
            const input = JSON.stringify([nextRoute(), database.port, hold, outlivesCtrlC]);
            const child = spawn(process.execPath, ["--require", "tsx/cjs", "-e", script, input], {
                stdio: ["ignore", "pipe", "inherit"],
                // A group of its own, as a shell gives to a command.
                detached: outlivesCtrlC,
            });
            await once(child.stdout, "data");
            const [plugin] = manager.started().slice(before);
            return { child, plugin: plugin?.pid ?? 0 };
        }

        it("lets the process end by itself while the tunnel stands, and takes the plugin along", async () => {
            const { child, plugin } = await run(false);
            const [code] = (await once(child, "exit")) as [number | null];
            assert.equal(code, 0);
            await until(() => Promise.resolve(!isRunning(plugin)));
        });

        for (const signal of ["SIGINT", "SIGTERM"] as const) {
            it(`ends the session on ${signal}, and the process as the signal does`, async () => {
                const { child, plugin } = await run(true);
                assert.ok(isRunning(plugin));
                child.kill(signal);
                const [, by] = (await once(child, "exit")) as [number | null, string | null];
                assert.equal(by, signal);
                await until(() => Promise.resolve(!isRunning(plugin)));
            });
        }

        it("goes on, where Ctrl-C is meant for another program, and ends with the process", async () => {
            const { child, plugin } = await run(true, true);
            const exit = once(child, "exit");
            // What a terminal does: everybody in the command's group hears it.
            process.kill(-(child.pid ?? NaN), "SIGINT");
            assert.deepEqual(await exit, [0, null]);
            await until(() => Promise.resolve(!isRunning(plugin)));
        });
    });
});
