import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { failureText } from "../../commands/shared/failureText";
import { removeLocalFolder } from "../../commands/shared/localFolder";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { namesIn } from "../../local/servers/files";
import { launch, type RunningCommand, signalGroup } from "../../testing/command";
import { withTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";
import { PlainError } from "../../text/errors";

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A command whose body is this text, with `interruption` in scope; resolves when it has said that it began. */
async function command(body: string, ...more: readonly string[]): Promise<RunningCommand> {
    const module = JSON.stringify(path.join(PROJECT_ROOT, "commands", "shared", "command"));
    const source = `const { runCommand, say } = require(${module});
        runCommand([], async (_, interruption) => {
            setInterval(() => undefined, 1000);
            say("began");
            ${body}
        }${more.map((argument) => `, ${argument}`).join("")});`;
    const running = launch(process.execPath, ["--require", "tsx/cjs", "-e", source], {});
    await until(() => Promise.resolve(running.output().includes("began")));
    return running;
}

describe("what the operating system refuses", () => {
    it("is told in one sentence with the place and the remedy", async () => {
        const refusedBy = (code: string, syscall: string, file?: string): string =>
            failureText(Object.assign(new Error(`${code}: raw`), { code, syscall, path: file }));
        assert.match(
            refusedBy("ENOSPC", "write", "/x"),
            /^There is no space left for \/x \(ENOSPC\); free /,
        );
        assert.match(
            refusedBy("ENOSPC", "write"),
            /^There is no space left for the stack's files /,
        );
        assert.match(refusedBy("EROFS", "mkdir", "/x"), /^The file system of \/x is read-only; /);
        assert.match(
            refusedBy("EACCES", "open", "/x"),
            /^This user may not use \/x .*with sudo\.$/,
        );
        assert.match(refusedBy("EPERM", "kill"), /^This user may not end a process of the stack, /);
        const told = new PlainError("told already");
        assert.equal(failureText(told), "told already");
        assert.equal(failureText(told, true), told.stack);
        assert.equal(failureText(new AggregateError([told, told])), "told already");
        assert.match(failureText(new Error("")), /./);
        await assert.rejects(mkdir("/dev/null/x"), (error) => failureText(error) !== "");
    });
});

describe("the laptop stack's folder", () => {
    it("goes with what the stack has in it; a link and what is not the stack's stay", async () => {
        await withTempDir(async (folder) => {
            const before = process.env.AUDIT_TRAIL_LOCAL_DIR;
            const place = path.join(folder, "place");
            const disk = path.join(folder, "disk");
            try {
                for (const [others, isLink] of [
                    [[], false],
                    [["mine"], false],
                    [[], true],
                ] as const) {
                    const real = isLink ? disk : place;
                    for (const name of ["local", "engine", "preview-dev-7", ...others]) {
                        await mkdir(path.join(real, name, "deeper"), { recursive: true });
                    }
                    if (isLink) {
                        await symlink(disk, place);
                    }
                    process.env.AUDIT_TRAIL_LOCAL_DIR = place;
                    const left = others.map((name) => path.join(place, name));
                    assert.deepEqual(await removeLocalFolder(), left);
                    assert.equal(existsSync(place), isLink || others.length > 0);
                    assert.deepEqual(await namesIn(real), [...others]);
                    await rm(place, { recursive: true, force: true });
                }
            } finally {
                if (before === undefined) {
                    Reflect.deleteProperty(process.env, "AUDIT_TRAIL_LOCAL_DIR");
                } else {
                    process.env.AUDIT_TRAIL_LOCAL_DIR = before;
                }
            }
        });
    });
});

describe("a command that is interrupted", function () {
    const running: RunningCommand[] = [];
    afterEach(() => {
        for (const { child } of running.splice(0)) {
            signalGroup(child, "SIGKILL");
        }
    });

    async function begin(body: string, ...more: readonly string[]): Promise<RunningCommand> {
        const begun = await command(body, ...more);
        running.push(begun);
        return begun;
    }

    const aborted =
        'await new Promise((resolve) => interruption.addEventListener("abort", resolve));';

    for (const signal of SIGNALS) {
        it(`hears ${signal}, finishes its step and tells by its code`, async () => {
            const { child, ended } = await begin(`${aborted} say("finished");`);
            child.kill(signal);
            const { code, stdout, stderr } = await ended;
            assert.equal(code, CODES[signal]);
            assert.match(stdout, /^began\nfinished\n$/);
            // It came to its end all the same: there is nothing to go on with.
            assert.equal(stderr, "\nInterrupted: finishing the step under way.\n");
        });

        it(`ends at once by ${signal} where there are no steps`, async () => {
            const { child, ended } = await begin(
                "await new Promise(() => undefined);",
                "2",
                '"end at once"',
            );
            child.kill(signal);
            const { code, stderr } = await ended;
            assert.deepEqual([code, stderr], [CODES[signal], ""]);
        });
    }

    it("does not tell what failed because of it", async () => {
        const { child, ended } = await begin(`${aborted} throw new Error("context canceled");`);
        child.kill("SIGTERM");
        const { code, stderr } = await ended;
        assert.equal(code, CODES.SIGTERM);
        assert.equal(
            stderr,
            "\nInterrupted: finishing the step under way.\nThe command has not done all of its work: run it again to go on.\n",
        );
    });

    it("says what goes on running, where it knows", async () => {
        for (const [goesOn, more] of [
            ['() => Promise.resolve("Two go on.")', "\nTwo go on."],
            ['() => Promise.reject(new Error("unknown"))', ""],
        ] as const) {
            const { child, ended } = await begin(
                `${aborted} throw new Error("context canceled");`,
                "1",
                '"finish the step"',
                goesOn,
            );
            child.kill("SIGINT");
            const { stderr } = await ended;
            assert.match(stderr, new RegExp(`: run it again to go on\\.${more}\n$`));
        }
    });

    it("ends by a second signal", async () => {
        const stuck = await begin("await new Promise(() => undefined);");
        stuck.child.kill("SIGINT");
        await until(() => Promise.resolve(stuck.output().includes("Interrupted")));
        stuck.child.kill("SIGTERM");
        const { code, stderr } = await stuck.ended;
        assert.equal(code, CODES.SIGTERM);
        assert.match(stderr, /\nEnded at once: what the command had begun may still run\. /);
    });
});
