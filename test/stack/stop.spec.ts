import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import path from "node:path";
import { namesIn } from "../../local/servers/files";
import { type CommandResult, launch, signalGroup } from "../../testing/command";
import { hostileEnvironment } from "../../testing/hostileEnvironment";
import { withTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";
import { knownResources, pulumi, stateFile } from "./support/engine";
import { ARTICLE, connected, LaptopStack, type Settings } from "./support/laptopStack";
import { ITEMS, type LogEntry, logOf } from "./support/log";
import { refusal } from "./support/refusal";

/** The default of deletionProtection. */
const PROTECTED: Settings = { ...ARTICLE, deletionProtection: true };

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

    describe("when it is protected", () => {
        let stack: LaptopStack;
        before(async () => {
            stack = await makeStack(PROTECTED);
        });

        async function itemsLog(): Promise<LogEntry[]> {
            const { auditUrl } = await stack.outputs();
            return await connected(auditUrl, (audit) => logOf(audit, ITEMS));
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
            await connected(sourceUrl, async (source) => {
                const { rows } = await source.query(
                    "SELECT rolreplication FROM pg_roles WHERE rolname = 'audit_trail_dms_source'",
                );
                assert.deepEqual(rows, [{ rolreplication: true }]);
            });
        });

        it("goes by the engine once it is unprotected, also without its settings and under another passphrase", async () => {
            await stack.configure({ ...PROTECTED, deletionProtection: false });
            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Resources: \d+ unchanged, \d+ updated\. /m);
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
