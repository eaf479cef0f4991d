import assert from "node:assert/strict";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { Progress, violationText } from "../../../local/engine/progress";

const urn = (name: string): string =>
    `urn:pulumi:local::audit-trail::a:b:Component$aws:rds/cluster:Cluster::${name}`;

/** A step as the engine announces it in a preview. */
function step(op: string, name: string, diffs?: readonly string[]): EngineEvent {
    return {
        resourcePreEvent: {
            planning: true,
            metadata: { op, urn: urn(name), type: "aws:rds/cluster:Cluster", diffs },
        },
    } as unknown as EngineEvent;
}

describe("what a preview tells a program", () => {
    it("are the changes, one for each resource, a replacement in one piece, and nothing idle", () => {
        const progress = new Progress();
        for (const event of [
            step("same", "idle"),
            step("refresh", "idle"),
            step("read", "idle"),
            step("create", "new"),
            step("update", "other", ["b", "a"]),
            step("create-replacement", "moved", ["zone"]),
            step("replace", "moved", ["zone"]),
            step("delete-replaced", "moved"),
            step("delete", 'gone::"a"'),
            // The engine's own provider, which no plan shows.
            {
                resourcePreEvent: {
                    planning: true,
                    metadata: {
                        op: "update",
                        urn: "urn:pulumi:local::audit-trail::pulumi:providers:pulumi-nodejs::default_7_48_0",
                    },
                },
            },
            // An update's own steps are no plan.
            { resourcePreEvent: { metadata: { op: "create", urn: urn("made") } } },
        ]) {
            progress.onEvent(event as EngineEvent);
        }
        assert.deepEqual(
            progress
                .finish()
                .planned.map(({ operation, name, properties }) => [operation, name, properties]),
            [
                ["create", "new", []],
                ["update", "other", ["a", "b"]],
                ["replace", "moved", ["zone"]],
                ["delete", 'gone::"a"', []],
            ],
        );
        const [first] = progress.finish().planned;
        assert.deepEqual([first?.type, first?.urn], ["aws:rds/cluster:Cluster", urn("new")]);
    });

    it("are violations of mandatory rules, each once, with their resource", () => {
        const progress = new Progress();
        const event = (more: object): EngineEvent =>
            ({
                policyEvent: {
                    enforcementLevel: "mandatory",
                    policyName: "a-rule",
                    message: "<{%fg 1%}>Mend it.<{%reset%}>",
                    ...more,
                },
            }) as unknown as EngineEvent;
        for (const more of [
            { resourceUrn: urn("c") },
            { resourceUrn: urn("c") },
            {},
            { enforcementLevel: "warning" },
        ]) {
            progress.onEvent(event(more));
        }
        const { violations } = progress.finish();
        assert.deepEqual(violations, [
            { rule: "a-rule", urn: urn("c"), message: "Mend it." },
            { rule: "a-rule", urn: null, message: "Mend it." },
        ]);
        assert.deepEqual(violations.map(violationText), [
            "a-rule: c: Mend it.",
            "a-rule: Mend it.",
        ]);
    });
});
