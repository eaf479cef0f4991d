import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { hostProgram } from "../../../components/network/hostProgram";
import { giveToServerUser } from "../../../local/servers/runAs";
import { ensureAuthority, issueServerCertificate } from "../../../local/servers/tls";
import { signalGroup } from "../../../testing/command";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { type HostAnswers, PsqlHostFolder } from "../../../testing/psqlHost";
import { makeTempDir } from "../../../testing/tempDir";
import { until } from "../../../testing/until";

const SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:audit-master-a1B2c3";

describe("the commands of the psql host", function () {
    this.timeout(60_000);
    let folder: string;
    let host: PsqlHostFolder;
    let server: ScratchServer;
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
        host = await PsqlHostFolder.make({
            "certs/ca.pem": own.cert,
            "certs/strange.pem": strange.cert,
        });
    });
    after(async () => {
        await server.stop();
        await host.remove();
        await rm(folder, { recursive: true, force: true });
    });

    const secret = (value: unknown): Pick<HostAnswers, "secrets"> => ({
        secrets: { [SECRET_ARN.replace(/^.*:/, "")]: value },
    });
    const login = (): unknown => ({ username: server.user, password: server.password });

    it("open psql with the secret's login, over verified TLS, with every argument as it is", async () => {
        const sql =
            "SELECT current_user, ssl, $q$a  b'$q$ FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        const hostile = { PGHOSTADDR: "192.0.2.1", PGSERVICE: "other", PGSSLMODE: "disable" };
        const { stdout, code, calls, stderr } = await host.run("psql-audit", ["-XAtc", sql], {
            parameter: { audit: place() },
            ...secret(login()),
            env: hostile,
        });
        assert.equal(stderr, "");
        assert.equal(stdout, `${server.user}|t|a  b'\n`);
        assert.equal(code, 0);
        assert.match(
            calls,
            /^aws ssm get-parameter --region eu-west-1 --name \/dev-host\/databases /,
        );
        assert.ok(calls.includes(`--secret-id ${SECRET_ARN} `));
        assert.ok(!calls.includes(server.password));
        const failed = await host.run("psql-source", ["-XAtc", "SELECT 1/0"], {
            parameter: { source: place() },
            ...secret(login()),
        });
        assert.equal(failed.code, 1);
        assert.match(failed.stderr, /^ERROR: {2}division by zero/);
    });

    it("take a password with every character that a secret may have", async () => {
        const password = `a b'"\\$\`é%{}<>&|;!`;
        const quoted = password.replaceAll("'", "''");
        const alter = `CREATE ROLE odd LOGIN PASSWORD '${quoted}'`;
        const given = { parameter: { source: place() }, ...secret(login()) };
        assert.equal((await host.run("psql-source", ["-Xqc", alter], given)).code, 0);
        const odd = { ...given, ...secret({ username: "odd", password }) };
        const { stdout, stderr } = await host.run(
            "psql-source",
            ["-XAtc", "SELECT current_user"],
            odd,
        );
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
            const { stdout, calls, stderr } = await host.run("psql-source", args, {
                ...given,
                env,
            });
            assert.equal(stderr, "");
            assert.equal(stdout, `${server.user}\n`);
            assert.ok(!calls.includes("get-secret-value"));
        }
    });

    it("leave Ctrl-C to psql", async () => {
        const given = { parameter: { source: place() }, ...secret(login()) };
        const command = await host.begin("psql-source", ["-Xc", "SELECT pg_sleep(600)"], given);
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
        const noPsql = { PATH: path.join(host.folder, "bin") };
        const cases: [HostAnswers, RegExp][] = [
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
            [{ parameter: { source: place() }, ...secret("hunter2") }, /is not JSON with username/],
            [{ parameter: { source: place() }, ...secret({}) }, /is not JSON with username/],
            [
                { parameter: { source: place(free) }, ...secret(login()) },
                /localhost .* on port 1; see/,
            ],
            [{ env: noPsql }, /psql is not installed; .*cloud-init-output\.log/],
        ];
        for (const [given, expected] of cases) {
            const { code, stdout, stderr } = await host.run(
                "psql-source",
                ["-Xc", "SELECT 1"],
                given,
            );
            assert.match(stderr, expected);
            assert.match(stderr, /^psql-source: [^\n]+\.\n$/);
            assert.ok(!stderr.includes("hunter2"));
            assert.deepEqual([code, stdout], [2, ""]);
        }
    });

    it("refuse a server that somebody else's authority vouches for", async () => {
        const { code, stderr } = await host.run("psql-source", ["-Xc", "SELECT 1"], {
            parameter: { source: place({ caBundle: "certs/strange.pem" }) },
            ...secret(login()),
        });
        assert.equal(code, 2);
        assert.match(stderr, /SSL error/);
    });

    describe("audit-verify", () => {
        const SHOWING = `
            const { AUDIT_TRAIL_SOURCE_URL: source, AUDIT_TRAIL_AUDIT_URL: audit, PGPASSWORD } = process.env;
            console.log(JSON.stringify({ args: process.argv.slice(2), source, audit, PGPASSWORD }));
            process.exitCode = 1;`;
        const object = (program: string, more: Readonly<Record<string, string>> = {}): unknown => ({
            bucket: "dev-verify-1",
            key: "audit-verify.cjs",
            versionId: "v1",
            sha256: createHash("sha256").update(program).digest("hex"),
            ...more,
        });
        const told = (program: string, login: unknown): HostAnswers => ({
            parameter: { source: place(), audit: place(), verify: object(program) },
            ...secret(login),
            program,
        });
        const left = (): string[] => readdirSync(path.join(host.folder, "tmp"));

        it("hands the program addresses that nobody else reads, and every argument as it is", async () => {
            const password = `a b'"\\$\`é%{}<>&|;!?@:/#`;
            const args = ["--since", "2026-01-31T12:00:00Z", "--table", 'sales."a  b"', "--json"];
            const { stdout, stderr, code, calls } = await host.run("audit-verify", args, {
                ...told(SHOWING, { username: "odd@x", password }),
                env: {
                    PGPASSWORD: "mine",
                    NODE_OPTIONS: "--require /nowhere",
                    PGHOST: "192.0.2.1",
                },
            });
            assert.equal(stderr, "");
            assert.equal(code, 1);
            const { args: given, ...found } = JSON.parse(stdout) as Record<string, string>;
            assert.deepEqual(given, args);
            assert.equal(found["PGPASSWORD"], undefined);
            for (const url of [found["source"], found["audit"]]) {
                const { user, password: read, ...at } = new Client({ connectionString: url });
                assert.deepEqual([user, read], ["odd@x", password]);
                assert.deepEqual(
                    [at.host, at.port, at.database],
                    ["localhost", server.port, "postgres"],
                );
                const { searchParams } = new URL(url ?? "");
                assert.equal(searchParams.get("sslmode"), "verify-full");
                assert.ok(
                    searchParams.get("sslrootcert")?.endsWith("/share/audit-trail/certs/ca.pem"),
                );
            }
            // Nobody's arguments have it, and it was in no file when the program began, nor is it afterwards.
            assert.match(calls, /^node-24 --input-type=commonjs - --since /m);
            assert.match(
                calls,
                /^aws s3api get-object --region eu-west-1 --bucket dev-verify-1 --key audit-verify\.cjs --version-id v1 /m,
            );
            assert.ok(
                !calls.includes("a b") && !calls.includes("a%20b%27") && !calls.includes("left:"),
            );
            assert.deepEqual(left(), []);
        });

        it("says in one sentence what is in the way, and runs nothing then", async () => {
            const good = told(SHOWING, login());
            const changed = (more: unknown): HostAnswers => ({
                ...good,
                parameter: { ...(good.parameter as object), ...(more as object) },
            });
            const cases: [HostAnswers, RegExp][] = [
                [{}, /the parameter .* cannot be read \(.*AccessDenied.*\); deploy/],
                [{ ...good, parameter: "no JSON" }, /is no JSON; run the stack's update again/],
                [
                    changed({ verify: undefined }),
                    /hostSecrets master.* or run npm run verify elsewhere/,
                ],
                [changed({ audit: undefined }), /names no database audit; deploy/],
                [changed({ source: place({ caBundle: "b.pem" }) }), /b\.pem, .* not on this host/],
                [changed({ audit: place({ host: "localhost", port: 1 }) }), /on port 1; see that/],
                [{ ...good, secrets: {} }, /secret arn:.* \(.*AccessDenied.*\); see that/],
                [{ ...good, ...secret("hunter2") }, /is not JSON with username/],
                [
                    { ...good, program: undefined },
                    /s3:\/\/dev-verify-1\/.* \(.*AccessDenied.*\); see/,
                ],
                [{ ...good, program: `${SHOWING} ` }, /another checksum .* was not run; see who/],
                [{ ...good, program: "" }, /another checksum .* was not run; see who/],
                [{ ...good, env: { TMPDIR: "/nowhere" } }, /no room for a temporary file; free/],
                [
                    { ...good, env: { PATH: "/usr/bin:/bin" } },
                    /Node\.js is not .*cloud-init-output\.log/,
                ],
            ];
            for (const [given, expected] of cases) {
                const { code, stdout, stderr } = await host.run("audit-verify", [], given);
                assert.match(stderr, expected);
                assert.match(stderr, /^audit-verify: [^\n]+\.\n$/);
                assert.ok(!stderr.includes("hunter2"));
                assert.deepEqual([code, stdout, left()], [2, "", []]);
            }
        });

        it("has a program of its own that needs no stack, no project and no engine", async () => {
            const made = hostProgram({ tables: ["public.items"], guardsExpected: true });
            assert.equal(
                made.text,
                hostProgram({ tables: ["public.items"], guardsExpected: true }).text,
            );
            assert.equal(made.sha256, createHash("sha256").update(made.text).digest("hex"));
            assert.ok(made.text.length < 700_000, String(made.text.length));
            const strange = made.madeOf.filter((file) =>
                /^(?:bench|components|config|local|plugins|policy|preflight|reach|test|testing)\/|@aws-sdk|@pulumi|ssh2/.test(
                    file,
                ),
            );
            // Which variables may speak is one list; it opens nothing.
            assert.deepEqual(strange, ["local/environment.ts"]);
            const help = await host.run("audit-verify", ["--help"], {
                ...told(made.text, {}),
                secrets: {},
            });
            assert.match(
                help.stdout,
                /^Proves .*\n\nUsage: audit-verify \[options\]\n\n {2}--table /,
            );
            assert.deepEqual([help.code, help.stderr], [0, ""]);
            for (const [args, given, expected] of [
                [
                    ["--stack", "dev"],
                    {},
                    /^\nUnknown option "--stack"; the nearest is --since, known are: --verbose, --table, --since, --json\.\n$/,
                ],
                [[], {}, /^\nsql\/verify\/registered_tables\.sql failed on the audit database/],
                [
                    [],
                    {
                        parameter: {
                            ...(told(made.text, {}).parameter as object),
                            source: place({ caBundle: "certs/strange.pem" }),
                        },
                    },
                    /certificate/,
                ],
                [
                    [],
                    secret({ username: server.user, password: "wrong" }),
                    /refused the password of user "postgres"/,
                ],
            ] as const) {
                const { code, stdout, stderr } = await host.run("audit-verify", args, {
                    ...told(made.text, login()),
                    ...given,
                    env: { NODE_TLS_REJECT_UNAUTHORIZED: "0", PGSSLMODE: "disable" },
                });
                assert.match(stderr, expected);
                assert.deepEqual([code, stdout], [2, ""]);
            }
        });
    });
});
