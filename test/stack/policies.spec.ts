import assert from "node:assert/strict";
import path from "node:path";
import { rules } from "../../policy/registry";
import { type CommandResult, launch } from "../../testing/command";
import { breakages, withoutBreakage } from "../policy/support/brokenSettings";
import { LaptopStack } from "./support/laptopStack";
import { previewGroups } from "./support/previewGroups";

describe("stack: the dev stack's preview under the policy pack", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    before(async () => {
        stack = await LaptopStack.make();
    });
    after(async () => {
        await stack.dispose();
    });

    /** A preview of the dev stack with some settings broken, by their places in the list. */
    async function preview(...indices: readonly number[]): Promise<CommandResult> {
        const runner = path.join(__dirname, "support", "brokenPreview.ts");
        const args = [path.join(stack.localDir, "preview"), ...indices.map(String)];
        return await launch("node", ["--import", "tsx", runner, ...args], stack.environment).ended;
    }

    it("passes, and leaves nothing behind", async () => {
        const { stdout } = await stack.run("preview", "--stack", "dev");
        assert.match(stdout, /\+ \d+ to create/);
        assert.match(stdout, /^The policy pack in policy\/ passed\.$/m);
        assert.deepEqual(await stack.clusters(), []);
    });

    for (const name of ["prod", "example-network", "example-rds", "example-source"]) {
        it(`passes for Pulumi.${name}.yaml, with the policies' configuration for it`, async () => {
            const { stdout, output } = await stack.run("preview", "--stack", name);
            assert.match(stdout, /\+ \d+ to create/);
            assert.match(stdout, /^The policy pack in policy\/ passed\.$/m);
            assert.doesNotMatch(output, /warning:/);
        });
    }

    it("passes as long as nothing is broken", async () => {
        const { code, output } = await preview();
        assert.equal(code, 0, output);
    });

    const groups = previewGroups();

    it("is tried with a broken setting for every rule that has one", () => {
        const tried = groups.flat().map(({ rule }) => rule);
        assert.deepEqual(tried.sort(), [...new Set(breakages.map(({ rule }) => rule))].sort());
        assert.equal(tried.length, rules.length - withoutBreakage.length);
    });

    for (const group of groups) {
        describe(`with ${String(group.length)} settings broken`, () => {
            let result: CommandResult | undefined;
            before(async () => {
                result = await preview(...group.map(({ index }) => index));
            });

            it("fails", () => {
                assert.equal(result?.code, 1);
                assert.match(result.stderr, /^The preview is refused by the policy pack:$/m);
                assert.doesNotMatch(result.stderr, /^\s+at /m);
            });

            for (const { rule, index } of group) {
                it(`is refused by ${rule}`, () => {
                    const { stdout = "", stderr = "" } = result ?? {};
                    const lines = stdout.split("\n").map((line) => line.split(" "));
                    const broken = lines.flatMap(([which, name]) =>
                        which === String(index) && name !== undefined ? [name] : [],
                    );
                    assert.ok(broken.length > 0, "no resource was broken");
                    const refused = [...stderr.matchAll(/^ {2}([a-z0-9-]+): ([^:\s]+): /gm)];
                    const named = refused.flatMap(([, by, name]) => (by === rule ? [name] : []));
                    // What a rule about the stack refuses is what belongs together wrongly, not what was broken.
                    assert.ok(
                        rule.startsWith("stack-")
                            ? named.length > 0
                            : named.some((name) => broken.includes(name ?? "")),
                        `${rule} says nothing of ${broken.join(", ")}:\n${stderr}`,
                    );
                });
            }
        });
    }
});
