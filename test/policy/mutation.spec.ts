import assert from "node:assert/strict";
import { Findings } from "../../policy/engine/findings";
import type { ResourceRule, StackRule } from "../../policy/engine/rule";
import { StackView } from "../../policy/engine/stackView";
import type { Values } from "../../policy/engine/values";
import { rules } from "../../policy/registry";
import { leastConfig, runProgram } from "../components/support/program";
import { policyResources, type RecordedResource } from "../components/support/recordedStack";
import { breakages } from "./support/brokenSettings";
import { type Flip, flips } from "./support/flips";
import { meantFor } from "./support/meantFor";
import { passing, type PassingFlip } from "./support/passingFlips";

const resourceRules = rules.filter((rule): rule is ResourceRule => rule.scope === "resource");
const stackRules = rules.filter((rule): rule is StackRule => rule.scope === "stack");

/** The rules that refuse a resource by itself. */
function refusing(type: string, inputs: Flip["inputs"]): readonly string[] {
    return resourceRules
        .filter(({ types }) => (types as readonly string[]).includes(type))
        .filter((rule) => {
            let count = 0;
            const findings = new Findings(() => (count += 1));
            rule.judge(inputs, findings, {
                type:
                    rule.types.find((one) => one === type) ??
                    rule.types[0] ??
                    "aws:rds/cluster:Cluster",
                config: {},
            });
            return count > 0;
        })
        .map(({ name }) => name);
}

/** What a rule must be told to accept the program's stack. */
const SETTINGS: Readonly<Record<string, Values>> = {
    "stack-secret-readers": { hostReads: "master" },
};

/** The rules that refuse the stack with one resource's input changed, which is put back afterwards. */
function refusingStack(view: StackView, urn: string, flip: Flip | undefined): readonly string[] {
    const resource = view.resources.find((one) => one.urn === urn);
    const { props, propertyDependencies } = resource ?? {};
    if (resource !== undefined && flip !== undefined) {
        const value = flip.inputs[flip.input];
        const others = Object.entries(resource.props).filter(([name]) => name !== flip.input);
        resource.props = Object.fromEntries(
            value === undefined ? others : [...others, [flip.input, value]],
        );
        resource.propertyDependencies = Object.fromEntries(
            Object.entries(resource.propertyDependencies).filter(([name]) => name !== flip.input),
        );
    }
    const refusing = stackRules.filter((rule) => {
        let count = 0;
        rule.judge(view, new Findings(() => (count += 1)), SETTINGS[rule.name] ?? {});
        return count > 0;
    });
    if (resource !== undefined) {
        resource.props = props ?? {};
        resource.propertyDependencies = propertyDependencies ?? {};
    }
    return refusing.map(({ name }) => name);
}

function isListed(
    { type, paths, how }: PassingFlip,
    resource: RecordedResource,
    flip: Flip,
): boolean {
    return (
        (type === undefined || type.test(resource.type)) &&
        paths.test(flip.path) &&
        (how === undefined || how.includes(flip.how))
    );
}

/** The flips for which a rule is meant. */
const watched = new Set(meantFor.map(([type, path, how]) => [type, path, how].join(" ")));

describe("policy: every flip of every input of the program's stack", function () {
    this.timeout(240_000);
    let stack: RecordedResource[] = [];
    let view = new StackView([]);
    const through: { readonly resource: RecordedResource; readonly flip: Flip }[] = [];
    let count = 0;
    const caught = new Set<string>();
    before(async () => {
        // The source is an Aurora cluster, the audit server an instance of RDS: both kinds are flipped.
        const run = await runProgram({
            ...leastConfig,
            "audit-trail:demoTable": "true",
            "audit-trail:audit": '{"kind":"rds"}',
            "audit-trail:kmsKeyArn":
                "arn:aws:kms:us-east-1:123456789012:key/0123abcd-4567-89ab-cdef-0123456789ab",
            // With a rule that lets somebody in.
            "audit-trail:databaseAccess": "direct",
            "audit-trail:sshCidr": "203.0.113.0/24",
            "audit-trail:hostSecrets": "master",
            "audit-trail:hostSessionLog": "true",
        });
        stack = run.resources();
        view = new StackView(policyResources(stack));
        for (const resource of stack) {
            for (const flip of flips(resource.type, resource.inputs)) {
                count += 1;
                const place = [resource.type, flip.path, flip.how].join(" ");
                const alone = refusing(resource.type, flip.inputs);
                const isWatched = watched.has(place);
                const together =
                    alone.length === 0 || isWatched ? refusingStack(view, resource.urn, flip) : [];
                if (isWatched) {
                    [...alone, ...together].forEach((rule) => caught.add(`${place} ${rule}`));
                }
                if (alone.length + together.length === 0) {
                    through.push({ resource, flip });
                }
            }
        }
    });

    it("starts from a stack that no rule has anything against", () => {
        for (const { type, name, inputs } of stack) {
            assert.deepEqual(refusing(type, inputs), [], name);
        }
        assert.deepEqual(refusingStack(view, "", undefined), []);
    });

    it("lets the psql host read the master secrets where the rule's setting says so, and no other", () => {
        const rule = stackRules.find(({ name }) => name === "stack-secret-readers");
        const names = stack.map(({ name }) => name);
        const policy = "audit-trail-dev-host-databases-secrets";
        assert.ok(names.includes(policy));
        const judge = (of: readonly RecordedResource[], config: Values): string[] => {
            const found: string[] = [];
            const findings = new Findings((text) => found.push(text));
            rule?.judge(new StackView(policyResources(of)), findings, config);
            return found;
        };
        assert.deepEqual(judge(stack, { hostReads: "master" }), []);
        assert.match(
            judge(stack, {})[0] ?? "",
            /host-databases-secrets is about the secret .*master/,
        );
        /** The host's policy, made from other resources. */
        const from = (input: string, ...others: readonly string[]): RecordedResource[] =>
            stack.map((one) =>
                one.name === policy
                    ? {
                          ...one,
                          outputs: { ...one.outputs, [input]: undefined },
                          madeFrom: {
                              ...one.madeFrom,
                              [input]: stack
                                  .filter(({ name }) => others.includes(name))
                                  .map(({ urn }) => urn),
                          },
                      }
                    : one,
            );
        for (const changed of [
            from("policy", "audit-trail-dev-audit-database-dms-secret"),
            from(
                "policy",
                "audit-trail-dev-audit-master-secret",
                "audit-trail-dev-source-database-dms-secret",
            ),
            from("role", "audit-trail-dev-dms-vpc-role"),
            from("role"),
            from("role", "audit-trail-dev-host-role", "audit-trail-dev-dms-cloudwatch-logs-role"),
        ]) {
            assert.equal(judge(changed, { hostReads: "master" }).length, 1);
        }
    });

    it("is refused by its rule with any setting broken", () => {
        for (const { rule, type, match, break: change } of breakages) {
            const broken = stack.filter(
                (one) => one.type === type && (match?.(one.name, { ...one.inputs }) ?? true),
            );
            const isRefused = broken.some(({ inputs }) =>
                refusing(type, change({ ...inputs })).includes(rule),
            );
            const isOfStacks = stackRules.some(({ name }) => name === rule);
            assert.ok(isRefused || isOfStacks, `${rule} on ${type}`);
        }
    });

    it("may have a schema named by a blank", () => {
        const type = "postgresql:index/schema:Schema";
        const { inputs } = stack.find((one) => one.type === type) ?? assert.fail("no schema");
        assert.deepEqual(refusing(type, { ...inputs, name: " " }), []);
        assert.deepEqual(refusing(type, { ...inputs, name: "" }), ["inputs-known"]);
    });

    it("is refused, or passes for a reason that is written down", () => {
        assert.ok(count > 1000, `only ${String(count)} flips`);
        const unexplained = through.filter(
            ({ resource, flip }) => !passing.some((one) => isListed(one, resource, flip)),
        );
        const lines = new Set(
            unexplained.map(({ resource, flip }) => `${resource.type} ${flip.path}: ${flip.how}`),
        );
        assert.ok(lines.size === 0, `No rule refuses:\n${[...lines].join("\n")}`);
    });

    it("is refused by the rule that is meant for it", () => {
        const missed = meantFor
            .map((meant) => meant.join(" "))
            .filter((meant) => !caught.has(meant));
        assert.deepEqual(missed, []);
    });

    it("has no reason written down that no flip needs", () => {
        const idle = passing.filter(
            (one) => !through.some(({ resource, flip }) => isListed(one, resource, flip)),
        );
        assert.deepEqual(
            idle.map(({ reason }) => reason),
            [],
        );
    });
});
