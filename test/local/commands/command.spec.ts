import assert from "node:assert/strict";
import path from "node:path";

import { PROJECT_ROOT } from "../../../local/engine/paths";
import { launch, type RunningCommand, signalGroup } from "../../support/command";
import { until } from "../../support/until";

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A command whose body is this text, with `interruption` in scope; resolves when it has said that it began. */
async function command(body: string, ...more: readonly string[]): Promise<RunningCommand> {
    const module = JSON.stringify(path.join(PROJECT_ROOT, "local", "commands", "command"));
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

describe("a command that is interrupted", function () {
    this.timeout(30_000);
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
            assert.match(stderr, /^\nInterrupted: finishing the step under way\. /);
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
        assert.doesNotMatch(stderr, /context canceled/);
    });

    it("ends by a second signal", async () => {
        const stuck = await begin("await new Promise(() => undefined);");
        stuck.child.kill("SIGINT");
        await until(() => Promise.resolve(stuck.output().includes("Interrupted")));
        stuck.child.kill("SIGTERM");
        assert.equal((await stuck.ended).code, CODES.SIGTERM);
    });
});
