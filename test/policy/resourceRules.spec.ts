import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as postgresql from "@pulumi/postgresql";
import fc from "fast-check";
import type { ResourceRule, Rule } from "../../policy/engine/rule";
import type { Values } from "../../policy/engine/values";
import { rules } from "../../policy/registry";
import { resourceCases } from "./cases";
import type { ResourceCases } from "./cases/resourceCases";
import { goodResource, goodStack, previewed } from "./support/goodStack";
import { judgeResource, outcome, UNKNOWN } from "./support/judge";

/** All but the one that knows every input: the good stack has few of them; mutation.spec.ts tries that rule. */
const resourceRules = rules
    .filter((rule): rule is ResourceRule => rule.scope === "resource")
    .filter(({ name }) => name !== "inputs-known");

function named(name: string): ResourceRule {
    const rule = resourceRules.find((candidate) => candidate.name === name);
    assert.ok(rule !== undefined, `There is no rule ${name}.`);
    return rule;
}

/** The good inputs with a change; undefined removes an input. */
function changed(cases: ResourceCases, change: Values): Values {
    const base = cases.base ?? previewed(goodResource(cases.type)).properties;
    const entries = Object.entries({ ...base, ...change });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

async function judged(cases: ResourceCases, change: Values): Promise<string> {
    const properties = changed(cases, change);
    const resource = { type: cases.type, name: "resource", properties };
    return outcome(await judgeResource(named(cases.rule), resource));
}

/** Inputs that decide what a rule is about; unknown ones leave the question open, and rightly. */
const deciding: readonly string[] = ["endpointType", "type"];

describe("policy: rules about single resources", () => {
    for (const cases of resourceCases) {
        describe(`${cases.rule} on ${cases.type}`, () => {
            it("passes good inputs", async () => {
                if (cases.base === undefined) {
                    assert.equal(await judged(cases, {}), "passed");
                }
                for (const change of cases.pass) {
                    assert.equal(await judged(cases, change), "passed", JSON.stringify(change));
                }
            });

            it("refuses bad inputs", async () => {
                for (const change of cases.fail) {
                    assert.equal(await judged(cases, change), "refused", JSON.stringify(change));
                }
            });

            it("refuses bad inputs whatever else is unknown", async () => {
                for (const change of cases.fail) {
                    const unknown = Object.keys(changed(cases, {}))
                        .filter((key) => !(key in change) && !deciding.includes(key))
                        .map((key) => [key, UNKNOWN]);
                    const all: Values = {
                        ...(Object.fromEntries(unknown) as Values),
                        ...change,
                    };
                    assert.equal(await judged(cases, all), "refused", JSON.stringify(all));
                }
            });

            it("takes an absent input for the provider's default", async () => {
                for (const [change, expected] of cases.absent) {
                    assert.equal(await judged(cases, change), expected, JSON.stringify(change));
                }
            });

            it("says so when an unknown input decides, and only then", async () => {
                for (const [change, expected] of cases.unknown) {
                    assert.equal(await judged(cases, change), expected, JSON.stringify(change));
                }
            });

            it("refuses values of a wrong type", async () => {
                for (const change of cases.wrongType) {
                    assert.equal(await judged(cases, change), "refused", JSON.stringify(change));
                }
            });
        });
    }

    it("has cases for every rule and each of its types", () => {
        const wanted = resourceRules.flatMap(({ name, types }) =>
            types.map((type) => `${name} ${type}`),
        );
        const covered = new Set(resourceCases.map(({ rule, type }) => `${rule} ${type}`));
        assert.deepEqual(
            wanted.filter((entry) => !covered.has(entry)),
            [],
        );
    });

    it("leaves no word of a value that may be secret in a message", async () => {
        for (const cases of resourceCases) {
            for (const change of cases.fail) {
                const properties = changed(cases, change);
                const resource = { type: cases.type, name: "resource", properties };
                const { mandatory } = await judgeResource(named(cases.rule), resource);
                assert.ok(!mandatory.join().includes("hunter2"), mandatory.join());
            }
        }
    });

    it("names a rule's types as the classes do", () => {
        const services = { ...aws, index: postgresql } as unknown as Record<
            string,
            Record<string, unknown>
        >;
        for (const type of new Set(resourceRules.flatMap(({ types }) => types))) {
            const [, path = "", className = ""] = type.split(":");
            const [service = ""] = path.split("/");
            const resourceClass = services[service]?.[className] as { __pulumiType?: string };
            assert.equal(resourceClass.__pulumiType, type);
        }
    });

    it("does not apply a rule to a resource of another type", async () => {
        for (const rule of resourceRules) {
            for (const resource of goodStack.filter(
                ({ type }) => !(rule.types as readonly string[]).includes(type),
            )) {
                assert.equal(
                    outcome(await judgeResource(rule, previewed(resource))),
                    "not applicable",
                );
            }
        }
    });

    it("never fails on whatever an input holds", async () => {
        const value = fc.oneof(fc.jsonValue(), fc.json(), fc.constant(UNKNOWN));
        const inputNames = [
            ...new Set(
                resourceCases.flatMap((cases) => [
                    ...Object.keys(cases.base ?? {}),
                    ...[...cases.pass, ...cases.fail, ...cases.wrongType].flatMap(Object.keys),
                ]),
            ),
        ];
        const properties = fc.dictionary(fc.constantFrom(...inputNames), value);
        const subject = fc.constantFrom(
            ...resourceRules.flatMap((rule) =>
                rule.types.map((type): [Rule, string] => [rule, type]),
            ),
        );
        await fc.assert(
            fc.asyncProperty(subject, properties, async ([rule, type], inputs) => {
                await judgeResource(rule, { type, name: "resource", properties: inputs });
            }),
            { numRuns: 2000 },
        );
    });
});
