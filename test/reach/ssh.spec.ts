import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { utils } from "ssh2";
import { type Dialer, openDialer } from "../../reach/dialer";
import type { SshRoute } from "../../reach/route";
import { REACH_SETTINGS } from "../../reach/settings";
import { fingerprint } from "../../reach/ssh/hostKey";
import { Proxy } from "../../testing/proxy";
import { type Sshd, startSshd } from "../../testing/sshd";
import { makeTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";

const IMPATIENT = { ...REACH_SETTINGS, openMs: 5_000, connectMs: 5_000, lingerMs: 50 };

/** A server that sends back whatever it gets, and counts its connections. */
async function echoServer(): Promise<{ server: Server; port: number }> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => socket.destroy());
        socket.pipe(socket);
    });
    await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
    });
    return { server, port: (server.address() as AddressInfo).port };
}

interface Agent {
    readonly socket: string;
    add(keyFile: string): Promise<void>;
    stop(): Promise<void>;
}

/** OpenSSH's agent, without any key. */
async function startAgent(): Promise<Agent> {
    const folder = await makeTempDir();
    const socket = path.join(folder, "agent");
    // In the foreground: it is this process's child and ends with `stop`.
    const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    const ended = once(child, "exit");
    await until(() => Promise.resolve(existsSync(socket)));
    return {
        socket,
        add: async (keyFile) => {
            const env = { ...process.env, SSH_AUTH_SOCK: socket };
            await promisify(execFile)("ssh-add", ["-q", keyFile], { env });
        },
        stop: async () => {
            child.kill();
            await ended;
            await rm(folder, { recursive: true, force: true });
        },
    };
}

describe("reach: ssh", function () {
    this.timeout(30_000);
    let sshd: Sshd;
    let proxy: Proxy;
    let echo: { server: Server; port: number };
    let route: SshRoute;
    const dialers: Dialer[] = [];
    const environment = { ...process.env };

    before(async () => {
        sshd = await startSshd();
        proxy = await Proxy.open(sshd.port);
        echo = await echoServer();
        const { user, hostKey } = sshd;
        route = { kind: "ssh", host: "localhost", port: proxy.port, user, hostKey };
    });
    beforeEach(() => {
        process.env.AUDIT_TRAIL_SSH_KEY = sshd.keyFile;
        delete process.env.SSH_AUTH_SOCK;
    });
    afterEach(async () => {
        await Promise.all(dialers.splice(0).map((dialer) => dialer.close()));
    });
    after(async () => {
        process.env = environment;
        proxy.close();
        echo.server.close();
        await sshd.stop();
    });

    function open(changed: Partial<SshRoute> = {}): Dialer {
        const dialer = openDialer({ ...route, ...changed }, IMPATIENT);
        dialers.push(dialer);
        return dialer;
    }

    async function answer(dialer: Dialer, text: string): Promise<string> {
        const stream = await dialer.connect("127.0.0.1", echo.port);
        stream.end(text);
        return (await buffer(stream)).toString();
    }

    const logins = (): number => sshd.log().split("Accepted publickey").length - 1;

    it("carries 10 MB each way at once, however slowly they are read", async () => {
        const stream = await open().connect("127.0.0.1", echo.port);
        const sent = randomBytes(10 << 20);
        stream.end(sent);
        assert.ok(sent.equals(await buffer(stream)));
    });

    it("opens nothing before its first connection, and one tunnel for two dialers", async () => {
        const before = logins();
        const [one, two] = [open(), open()];
        assert.equal(logins(), before);
        assert.deepEqual(await Promise.all([answer(one, "a"), answer(two, "b")]), ["a", "b"]);
        assert.ok(logins() <= before + 1);
    });

    it("takes a fingerprint for the host key", async () => {
        const blob = Buffer.from(sshd.hostKey.split(" ")[1] ?? "", "base64");
        assert.equal(await answer(open({ hostKey: fingerprint(blob) }), "x"), "x");
    });

    it("connects anew after a cut, also when the tunnel looks open", async () => {
        const dialer = open();
        assert.equal(await answer(dialer, "x"), "x");
        const before = logins();
        proxy.close();
        await proxy.reopen();
        assert.equal(await answer(dialer, "y"), "y");
        assert.equal(logins(), before + 1);
    });

    it("says in one sentence that a connection in use was cut, or that it was cut twice", async () => {
        const dialer = open();
        const stream = await dialer.connect("127.0.0.1", echo.port);
        const failed = new Promise<Error>((resolve) => stream.once("error", resolve));
        proxy.close();
        assert.match(
            (await failed).message,
            /^The tunnel through the psql host at .* was cut .*\.$/,
        );
        await assert.rejects(
            dialer.connect("127.0.0.1", echo.port),
            /^Error: The psql host at localhost:\d+ cannot be reached by SSH \(ECONNREFUSED\); .*sshCidr.*\.$/,
        );
        await proxy.reopen();
    });

    it("sends nothing to a host with another key", async () => {
        const before = logins();
        const other = utils.generateKeyPairSync("ed25519").public;
        await assert.rejects(
            open({ hostKey: other }).connect("127.0.0.1", echo.port),
            (error: NodeJS.ErrnoException) =>
                error.code === "EROUTEREFUSED" &&
                /shows the SSH host key SHA256:\S+, and the stack expects SHA256:\S+; .*\.$/.test(
                    error.message,
                ),
        );
        await assert.rejects(
            open({ hostKey: "" }).connect("127.0.0.1", echo.port),
            /is not known to the stack, .*"aws ec2 get-console-output .*Values=localhost .* set sshHostKey .*\.$/,
        );
        assert.equal(logins(), before);
    });

    it("says what the host refused", async () => {
        const closed = await echoServer();
        await new Promise((resolve) => closed.server.close(resolve));
        await assert.rejects(
            open().connect("127.0.0.1", closed.port),
            /cannot reach 127\.0\.0\.1:\d+ \(Connection refused\); .*security group.*\.$/,
        );
        process.env.AUDIT_TRAIL_SSH_KEY = sshd.keyFile.replace(/login$/, "host");
        await assert.rejects(
            open({ hostKey: `${sshd.hostKey} other` }).connect("127.0.0.1", echo.port),
            /refused the login of "\w+" with the key in .*; .*keyName.*\.$/,
        );
    });

    it("logs in with a key that only the agent has, and says when the agent has none", async () => {
        const agent = await startAgent();
        try {
            delete process.env.AUDIT_TRAIL_SSH_KEY;
            process.env.SSH_AUTH_SOCK = agent.socket;
            await assert.rejects(
                open({ hostKey: `${sshd.hostKey} empty` }).connect("127.0.0.1", echo.port),
                /refused the login of "\w+" with the keys of the SSH agent; .*\.$/,
            );
            await agent.add(sshd.keyFile);
            const before = logins();
            assert.equal(await answer(open({ hostKey: `${sshd.hostKey} agent` }), "x"), "x");
            assert.equal(logins(), before + 1);
        } finally {
            await agent.stop();
        }
        await assert.rejects(
            open({ hostKey: `${sshd.hostKey} gone` }).connect("127.0.0.1", echo.port),
            /agent.*\.$/,
        );
    });

    it("says how to give it a key", async () => {
        const key = process.env.AUDIT_TRAIL_SSH_KEY ?? "";
        const attempt = (file: string | undefined): Promise<unknown> => {
            process.env.AUDIT_TRAIL_SSH_KEY = file ?? "";
            return open({ hostKey: `${sshd.hostKey} unused` }).connect("127.0.0.1", echo.port);
        };
        await assert.rejects(attempt(undefined), /^Error: There is no SSH agent and no key .*\.$/);
        await assert.rejects(attempt(`${key}.none`), /cannot be read \(ENOENT.*\); .*\.$/);
        await assert.rejects(attempt(__filename), /is not a private key; .*\.$/);
    });

    it("notices within two signs of life that the host is gone", async () => {
        const settings = { ...IMPATIENT, keepAliveMs: 100 };
        const dialer = openDialer({ ...route, hostKey: `${sshd.hostKey} quick` }, settings);
        dialers.push(dialer);
        const stream = await dialer.connect("127.0.0.1", echo.port);
        const failed = new Promise<Error>((resolve) => stream.once("error", resolve));
        proxy.freeze();
        assert.match((await failed).message, /was cut while it was in use/);
        proxy.close();
        await proxy.reopen();
    });

    it("lets its tunnel go when nobody needs it", async () => {
        const dialer = open({ hostKey: `${sshd.hostKey} lingering` });
        assert.equal(await answer(dialer, "x"), "x");
        const closed = (): number => sshd.log().split("Disconnected from user").length;
        const before = closed();
        await dialer.close();
        await until(() => Promise.resolve(closed() > before));
    });
});
