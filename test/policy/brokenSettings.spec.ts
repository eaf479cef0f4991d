import assert from "node:assert/strict";
import type { Rule } from "../../policy/engine/rule";
import { rules } from "../../policy/registry";
import { type Breakage, breakages, withoutBreakage } from "./support/brokenSettings";
import { goodStack, previewed, type WrittenResource } from "./support/goodStack";
import { judgeStack } from "./support/judge";

function applies({ type, match }: Breakage, { name, ...resource }: WrittenResource): boolean {
    return resource.type === type && (match?.(name, { ...resource.inputs }) ?? true);
}

function named(name: string): Rule {
    const rule = rules.find((one) => one.name === name);
    assert.ok(rule !== undefined, `There is no rule ${name}.`);
    return rule;
}

describe("policy: broken settings", () => {
    it("break every rule at least once", () => {
        const broken = new Set(breakages.map(({ rule }) => rule));
        assert.deepEqual(
            rules.map(({ name }) => name).filter((name) => !broken.has(name)),
            withoutBreakage,
        );
    });

    // Those of rules about single resources are tried on the program's own stack, in mutation.spec.ts.
    const ofStacks = breakages.filter(({ rule }) => named(rule).scope === "stack");
    for (const [index, breakage] of ofStacks.entries()) {
        it(`are refused by ${breakage.rule} (${index + 1})`, async () => {
            const rule = named(breakage.rule);
            assert.ok(goodStack.some((resource) => applies(breakage, resource)));
            const broken = goodStack.map((resource) =>
                applies(breakage, resource)
                    ? { ...resource, inputs: breakage.break({ ...resource.inputs }) }
                    : resource,
            );
            const before = await judgeStack(rule, goodStack.map(previewed));
            assert.deepEqual(before.mandatory, []);
            const after = await judgeStack(rule, broken.map(previewed));
            assert.ok(after.mandatory.length > 0);
            assert.deepEqual(after.advisory, []);
        });
    }
});
