import assert from "node:assert/strict";
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { namesIn } from "../../local/servers/files";
import { type CommandResult, launch, signalGroup } from "../../testing/command";
import { hostileEnvironment } from "../../testing/hostileEnvironment";
import { withTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";
import { knownResources, pulumi, stateFile } from "./support/engine";
import { ARTICLE, LaptopStack, type Settings } from "./support/laptopStack";
import { ITEMS, type LogEntry, logOf } from "./support/log";
import { PrivateAccess } from "./support/privateAccess";
import { refusal } from "./support/refusal";

/** The default of deletionProtection. */
const PROTECTED: Settings = { ...ARTICLE, deletionProtection: true };

/** The article's set-up for any way to the databases. */
const SEALED: Settings = { tables: ["public.items"], demoTable: true, deletionProtection: false };

/** Checks that `npm stop` refused a protected stack, with the key to set and the way round. */
function assertProtected(result: CommandResult, { settingsFile }: LaptopStack): void {
    assert.deepEqual(refusal(result), [
        `The laptop stack is protected from deletion, so nothing of it was touched: set audit-trail:deletionProtection to false in ${settingsFile}, and no whenDestroyed to retain, run "npm start" and then "npm stop" again, or throw it away with its data by "npm stop -- --force".`,
    ]);
}

describe("stack: how it ends", function () {
    this.timeout(600_000);
    const made: LaptopStack[] = [];
    after(async () => {
        for (const stack of made) {
            await stack.dispose();
        }
    });

    async function makeStack(settings: Settings): Promise<LaptopStack> {
        const stack = await LaptopStack.make(settings);
        made.push(stack);
        return stack;
    }

    describe("when it is protected, and its databases are reached through their host alone", () => {
        let access: PrivateAccess;
        let stack: LaptopStack;
        before(async () => {
            access = await PrivateAccess.open();
            stack = await LaptopStack.make(
                { ...SEALED, deletionProtection: true, ...access.sshSettings },
                access.environment,
            );
        });
        afterEach("no tunnel of a command is left", async () => {
            await access.assertClosed();
        });
        after(async () => {
            await stack.dispose();
            await access.close();
        });

        async function itemsLog(): Promise<LogEntry[]> {
            const { auditUrl } = await stack.outputs();
            return await access.connected(auditUrl, (audit) => logOf(audit, ITEMS));
        }

        it("starts as if the user's environment said nothing, and is verified and previewed so", async () => {
            await withTempDir(async (backend) => {
                const hostile = hostileEnvironment(backend);
                for (const script of ["start", "verify", "preview"]) {
                    const { code, output } = await stack.beginWith(hostile, script).ended;
                    assert.equal(code, 0, output);
                    assert.doesNotMatch(output, /^\s+at .+:\d+/m, "a stack trace");
                }
                // What NODE_OPTIONS loads makes the folder for temporary files before a command begins.
                const { TMPDIR = "" } = hostile;
                assert.deepEqual(
                    (await namesIn(backend)).filter((name) => name !== path.basename(TMPDIR)),
                    [],
                    "the user's backend has the state",
                );
            });
            assert.ok((await knownResources(stack)).length > 100);
            assert.equal((await itemsLog()).length, 7);
            // A port of a tunnel, or of the proxy in front of the postgresql plugin.
            assert.doesNotMatch(await readFile(stateFile(stack), "utf8"), /127\.0\.0\.1:\d|socks5/);
        });

        it("has databases that its commands reach by SSH and nobody without", async () => {
            const { sourceUrl, auditUrl } = await stack.outputs();
            await access.assertSealed(sourceUrl);
            await access.assertSealed(auditUrl);
            const before = access.logins;
            const { code, output } = await stack.sql("source", "SELECT count(*) FROM items");
            assert.equal(code, 0, output);
            await stack.run("status");
            assert.equal(access.logins, before + 2);
        });

        it("refuses to go, names the key to set, and touches nothing", async () => {
            const [processes, known] = [await stack.processes(), await knownResources(stack)];
            assertProtected(await stack.attempt("stop"), stack);
            assert.deepEqual(await stack.processes(), processes);
            assert.deepEqual(await knownResources(stack), known);
        });

        it("is refused by the engine itself before it touches anything, with and without a preview", async () => {
            // The provider of the engine's own functions holds nothing, and nothing depends on it: a destroy takes it first.
            const resources = async (): Promise<string[]> =>
                (await knownResources(stack)).filter(
                    (one) => !one.includes("::pulumi:providers:pulumi::default "),
                );
            const [processes, known] = [await stack.processes(), await resources()];
            for (const flags of [[], ["--skip-preview"]]) {
                await assert.rejects(
                    pulumi(stack, "destroy", ...flags),
                    /DeletionProtection::audit-trail-local-deletionProtection" cannot be deleted\s+because it is protected/,
                );
                assert.deepEqual(await resources(), known, flags.join());
                assert.deepEqual(await stack.processes(), processes, flags.join());
            }
        });

        it("goes on after that and after a refresh, and DMS keeps its right to slots", async () => {
            await pulumi(stack, "refresh");
            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Resources: \d+ unchanged\. /m);
            assert.equal((await itemsLog()).length, 7);
            const { sourceUrl } = await stack.outputs();
            await access.connected(sourceUrl, async (source) => {
                const { rows } = await source.query(
                    "SELECT rolreplication FROM pg_roles WHERE rolname = 'audit_trail_dms_source'",
                );
                assert.deepEqual(rows, [{ rolreplication: true }]);
            });
        });

        it("is unprotected, and reached by Session Manager from then on without another change", async () => {
            await stack.configure({ ...SEALED, databaseAccess: "ssm" });
            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Resources: \d+ unchanged, \d+ updated\. /m);
            assert.ok(access.sessions > 0);
            const preview = await stack.run("preview");
            assert.match(preview.stdout, /^Resources:\n +\d+ unchanged$/m);
        });

        it("verifies through a session that was cut once, and says in one sentence that one was cut in use", async () => {
            access.plan({ cut: true, faulty: 1 });
            await stack.run("verify");
            assert.equal(
                access.sessions,
                3,
                "one for each database, and one in the place of the one that was cut",
            );
            access.plan({ cutAfter: 5_000, faulty: 1 });
            const { code, stdout, stderr } = await stack.attempt("verify");
            assert.equal(code, 2, stdout);
            assert.match(
                stderr.trim(),
                /^The connection to the source database was cut \(.*\), so nothing can be said of the trail: .*\.$/,
            );
            access.plan({});
        });

        it("leaves no session when its command is interrupted", async () => {
            const verify = stack.begin("verify");
            await until(() => Promise.resolve(access.isOpen), 60_000);
            signalGroup(verify.child, "SIGINT");
            const { code, output } = await verify.ended;
            assert.equal(code, 130, output);
        });

        it("goes by the engine, also without its settings and under another passphrase", async () => {
            await stack.forgetSettings();
            assert.match((await stack.outputs()).sourceUrl, /^postgresql:/);
            const { stderr } = await stack.stop({ PULUMI_CONFIG_PASSPHRASE: "" });
            assert.doesNotMatch(stderr, /could not destroy/);
        });
    });

    it("ends by its recorded processes when the engine cannot destroy it, and says so", async () => {
        const stack = await makeStack(ARTICLE);
        await stack.run("start");
        // What an engine leaves that is killed while it writes: the state is whole.
        await truncate(`${stateFile(stack)}.attrs`);
        await stack.run("outputs");
        await truncate(stateFile(stack), 1_000);
        const unread =
            /^The engine cannot open the stack "local", whose files are in .*: failed to load checkpoint: .*; mend that, or throw the stack away with "npm stop"\.$/;
        const [sentence = ""] = refusal(await stack.attempt("outputs"));
        assert.match(sentence, unread);
        const { stderr } = await stack.stop();
        assert.match(
            stderr,
            /^The engine cannot .*failed to load checkpoint.*\nThe engine could not destroy the stack; what it had started is ended by its recorded processes instead\.$/m,
        );
    });

    it("says what stays in a source that it did not make when --force does without the engine", async () => {
        const stack = await makeStack(ARTICLE);
        const resources = [{ type: "pulumi-nodejs:dynamic/auditTrail:SourceUndo" }];
        await mkdir(path.dirname(stateFile(stack)), { recursive: true });
        await writeFile(
            stateFile(stack),
            JSON.stringify({ checkpoint: { latest: { resources } } }),
        );
        const { stderr } = await stack.stop({}, "--force");
        assert.match(
            stderr,
            /^The source is a server that this stack did not make, .* replication slot stay there\. docs\/sql\/existing-source\.sql has .*\.$/m,
        );
    });

    it("begins nothing more when a signal reaches the command alone; --force ends a protected stack", async () => {
        const stack = await makeStack(PROTECTED);
        const script = path.join("commands", "start.ts");
        const start = launch(process.execPath, ["--import", "tsx", script], stack.environment);
        try {
            await until(async () => (await stack.clusters()).length > 0, 120_000);
            start.child.kill("SIGTERM");
            const { code, stderr, output } = await start.ended;
            assert.equal(code, 143, output);
            assert.match(stderr, /^Interrupted: finishing the step under way\.$/m);
            assert.match(
                stderr,
                /^The command has not done all of its work: run it again to go on\.$/m,
            );
        } finally {
            signalGroup(start.child, "SIGKILL");
        }
        assert.deepEqual(await namesIn(path.join(stack.stackDir, "tasks")), []);
        assertProtected(await stack.attempt("stop"), stack);
        await stack.stop({}, "--force");
    });
});
