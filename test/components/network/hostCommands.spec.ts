import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { giveToServerUser } from "../../../local/servers/runAs";
import { ensureAuthority, issueServerCertificate } from "../../../local/servers/tls";
import {
    type CommandResult,
    launch,
    type RunningCommand,
    signalGroup,
} from "../../../testing/command";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { makeTempDir } from "../../../testing/tempDir";
import { until } from "../../../testing/until";

const SCRIPTS = path.join(__dirname, "..", "..", "..", "components", "network", "host");
const SHARE = "/usr/local/share/audit-trail";
const SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:audit-master-a1B2c3";

/** Plays the AWS CLI: each answer is a file, and what is not there is refused as AWS refuses it. */
const AWS = `#!/bin/bash
printf '%s\\n' "$*" >>"$AWS_CALLS"
[ -r "$AWS_ANSWERS/$2" ] && exec cat "$AWS_ANSWERS/$2"
printf '\\nAn error occurred (AccessDeniedException) when calling %s: not authorized\\n' "$2" >&2
exit 254
`;

/** What AWS answers a command, and the variables that the command has beside. */
interface Given {
    readonly parameter?: unknown;
    readonly secret?: unknown;
    readonly env?: Readonly<Record<string, string>>;
}

describe("the commands of the psql host", function () {
    this.timeout(60_000);
    let folder: string;
    let server: ScratchServer;
    const answers = (): string => path.join(folder, "answers");
    const place = (more: Readonly<Record<string, unknown>> = {}): unknown => ({
        host: server.host,
        port: server.port,
        database: server.database,
        caBundle: "certs/ca.pem",
        secretArn: SECRET_ARN,
        ...more,
    });

    before(async () => {
        folder = await makeTempDir();
        chmodSync(folder, 0o755);
        const own = await ensureAuthority(path.join(folder, "own"));
        const strange = await ensureAuthority(path.join(folder, "strange"));
        const issued = await issueServerCertificate(own);
        const files = {
            cert: path.join(folder, "server.pem"),
            key: path.join(folder, "server.key"),
        };
        for (const kind of ["cert", "key"] as const) {
            writeFileSync(files[kind], issued[kind], { mode: 0o600 });
            await giveToServerUser(files[kind]);
        }
        server = await scratchServer({
            settings: { ssl: "on", ssl_cert_file: files.cert, ssl_key_file: files.key },
        });
        // As the host's first boot puts them, in a folder of the test's.
        for (const made of ["bin", "answers", "share/certs"]) {
            mkdirSync(path.join(folder, made), { recursive: true });
        }
        writeFileSync(path.join(folder, "share/certs/ca.pem"), own.cert);
        writeFileSync(path.join(folder, "share/certs/strange.pem"), strange.cert);
        writeFileSync(
            path.join(folder, "share/settings"),
            "AUDIT_TRAIL_REGION=eu-west-1\nAUDIT_TRAIL_PARAMETER=/dev-host/databases\n",
        );
        const script = readFileSync(path.join(SCRIPTS, "psql.sh"), "utf8");
        const installed = script.replaceAll(SHARE, path.join(folder, "share"));
        writeFileSync(path.join(folder, "bin/psql-source"), installed, { mode: 0o755 });
        symlinkSync("psql-source", path.join(folder, "bin/psql-audit"));
        writeFileSync(path.join(folder, "bin/aws"), AWS, { mode: 0o755 });
    });
    after(async () => {
        await server.stop();
        await rm(folder, { recursive: true, force: true });
    });

    /** Runs a command where AWS answers this, with what the fake CLI was asked. */
    async function run(
        name: string,
        args: readonly string[],
        given: Given,
    ): Promise<CommandResult & { readonly calls: string }> {
        const { ended } = await begin(name, args, given);
        return { ...(await ended), calls: readFileSync(path.join(folder, "calls"), "utf8") };
    }

    async function begin(
        name: string,
        args: readonly string[],
        given: Given,
    ): Promise<RunningCommand> {
        const calls = path.join(folder, "calls");
        await rm(answers(), { recursive: true });
        mkdirSync(answers());
        writeFileSync(calls, "");
        const texts = { "get-parameter": given.parameter, "get-secret-value": given.secret };
        for (const [file, value] of Object.entries(texts)) {
            if (value !== undefined) {
                const text = typeof value === "string" ? value : JSON.stringify(value);
                writeFileSync(path.join(answers(), file), `${text}\n`);
            }
        }
        const env = {
            // The system's own Python first, as on the host.
            PATH: `${path.join(folder, "bin")}:/usr/bin:/bin:${process.env["PATH"] ?? ""}`,
            AWS_ANSWERS: answers(),
            AWS_CALLS: calls,
            ...given.env,
        };
        return launch(path.join(folder, "bin", name), args, env);
    }

    const login = (): unknown => ({ username: server.user, password: server.password });

    it("open psql with the secret's login, over verified TLS, with every argument as it is", async () => {
        const sql =
            "SELECT current_user, ssl, $q$a  b'$q$ FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        const hostile = { PGHOSTADDR: "192.0.2.1", PGSERVICE: "other", PGSSLMODE: "disable" };
        const { stdout, code, calls, stderr } = await run("psql-audit", ["-XAtc", sql], {
            parameter: { audit: place() },
            secret: login(),
            env: hostile,
        });
        assert.equal(stderr, "");
        assert.equal(stdout, `${server.user}|t|a  b'\n`);
        assert.equal(code, 0);
        assert.match(calls, /^ssm get-parameter --region eu-west-1 --name \/dev-host\/databases /);
        assert.ok(calls.includes(`--secret-id ${SECRET_ARN} `));
        assert.ok(!calls.includes(server.password));
        const failed = await run("psql-source", ["-XAtc", "SELECT 1/0"], {
            parameter: { source: place() },
            secret: login(),
        });
        assert.equal(failed.code, 1);
        assert.match(failed.stderr, /^ERROR: {2}division by zero/);
    });

    it("take a password with every character that a secret may have", async () => {
        const password = `a b'"\\$\`é%{}<>&|;!`;
        const quoted = password.replaceAll("'", "''");
        const alter = `CREATE ROLE odd LOGIN PASSWORD '${quoted}'`;
        const given = { parameter: { source: place() }, secret: login() };
        assert.equal((await run("psql-source", ["-Xqc", alter], given)).code, 0);
        const odd = { ...given, secret: { username: "odd", password } };
        const { stdout, stderr } = await run("psql-source", ["-XAtc", "SELECT current_user"], odd);
        assert.equal(stderr, "");
        assert.equal(stdout, "odd\n");
    });

    it("read no secret for a login of one's own", async () => {
        const given = {
            parameter: { source: place({ secretArn: undefined }) },
            env: { PGPASSWORD: server.password },
        };
        const sql = ["-XAtc", "SELECT current_user"];
        for (const { args, env } of [
            { args: ["-U", server.user, ...sql], env: given.env },
            { args: [`--username=${server.user}`, ...sql], env: given.env },
            { args: sql, env: { ...given.env, PGUSER: server.user } },
        ]) {
            const { stdout, calls, stderr } = await run("psql-source", args, { ...given, env });
            assert.equal(stderr, "");
            assert.equal(stdout, `${server.user}\n`);
            assert.ok(!calls.includes("get-secret-value"));
        }
    });

    it("leave Ctrl-C to psql", async () => {
        const given = { parameter: { source: place() }, secret: login() };
        const command = await begin("psql-source", ["-Xc", "SELECT pg_sleep(600)"], given);
        const client = new Client({ ...server, ssl: false });
        await client.connect();
        try {
            const asleep = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            await until(async () => (await client.query(asleep)).rowCount === 1);
        } finally {
            await client.end();
        }
        signalGroup(command.child, "SIGINT");
        const { code, stderr } = await command.ended;
        assert.match(stderr, /canceling statement due to user request/);
        assert.equal(code, 1);
    });

    it("say in one sentence what is in the way", async () => {
        const free = { host: "localhost", port: 1 };
        const noPsql = { PATH: path.join(folder, "bin") };
        const cases: [Given, RegExp][] = [
            [
                {},
                /the parameter \/dev-host\/databases, .* cannot be read \(.*AccessDenied.*\); deploy/,
            ],
            [{ parameter: "no JSON" }, /is no JSON; run the stack's update again/],
            [{ parameter: { audit: place() } }, /names no database source; deploy/],
            [
                { parameter: { source: place({ caBundle: "b.pem" }) } },
                /b\.pem, .* not on this host/,
            ],
            [{ parameter: { source: place({ secretArn: undefined }) } }, /-U NAME, .* hostSecrets/],
            [{ parameter: { source: place() } }, /secret arn:.* \(.*AccessDenied.*\); see that/],
            [{ parameter: { source: place() }, secret: "hunter2" }, /is not JSON with username/],
            [{ parameter: { source: place() }, secret: {} }, /is not JSON with username/],
            [
                { parameter: { source: place(free) }, secret: login() },
                /localhost .* on port 1; see/,
            ],
            [{ env: noPsql }, /psql is not installed; .*cloud-init-output\.log/],
        ];
        for (const [given, expected] of cases) {
            const { code, stdout, stderr } = await run("psql-source", ["-Xc", "SELECT 1"], given);
            assert.match(stderr, expected);
            assert.match(stderr, /^psql-source: [^\n]+\.\n$/);
            assert.ok(!stderr.includes("hunter2"));
            assert.deepEqual([code, stdout], [2, ""]);
        }
    });

    it("refuse a server that somebody else's authority vouches for", async () => {
        const { code, stderr } = await run("psql-source", ["-Xc", "SELECT 1"], {
            parameter: { source: place({ caBundle: "certs/strange.pem" }) },
            secret: login(),
        });
        assert.equal(code, 2);
        assert.match(stderr, /SSL error/);
    });
});
