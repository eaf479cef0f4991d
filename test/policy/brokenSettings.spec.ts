import assert from "node:assert/strict";
import type { Rule } from "../../policy/engine/rule";
import { rules } from "../../policy/registry";
import { type Breakage, breakages, withoutBreakage } from "./support/brokenSettings";
import { goodStack, previewed, type WrittenResource } from "./support/goodStack";
import { judgeResource, judgeStack, type Verdict } from "./support/judge";

function applies({ type, match }: Breakage, { name, ...resource }: WrittenResource): boolean {
    return resource.type === type && (match?.(name, { ...resource.inputs }) ?? true);
}

async function verdicts(rule: Rule, stack: readonly WrittenResource[]): Promise<Verdict[]> {
    const resources = stack.map(previewed);
    return rule.scope === "stack"
        ? [await judgeStack(rule, resources)]
        : Promise.all(resources.map((resource) => judgeResource(rule, resource)));
}

describe("policy: broken settings", () => {
    it("break every rule at least once", () => {
        const broken = new Set(breakages.map(({ rule }) => rule));
        assert.deepEqual(
            rules.map(({ name }) => name).filter((name) => !broken.has(name)),
            withoutBreakage,
        );
    });

    for (const [index, breakage] of breakages.entries()) {
        it(`are refused by ${breakage.rule} (${index + 1})`, async () => {
            const rule = rules.find(({ name }) => name === breakage.rule);
            assert.ok(rule !== undefined);
            assert.ok(goodStack.some((resource) => applies(breakage, resource)));
            const broken = goodStack.map((resource) =>
                applies(breakage, resource)
                    ? { ...resource, inputs: breakage.break({ ...resource.inputs }) }
                    : resource,
            );
            const before = await verdicts(rule, goodStack);
            assert.ok(before.every(({ mandatory }) => mandatory.length === 0));
            const after = await verdicts(rule, broken);
            assert.ok(after.some(({ mandatory }) => mandatory.length > 0));
            assert.ok(after.every(({ advisory }) => advisory.length === 0));
        });
    }
});
