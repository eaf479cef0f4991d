import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { PolicyResource } from "@pulumi/policy";
import { configKeys } from "../../config/keys";
import { coverage } from "../../policy/docs/securityHub";
import { Findings } from "../../policy/engine/findings";
import { toPolicy } from "../../policy/engine/pulumiPolicy";
import { StackView } from "../../policy/engine/stackView";
import type { Values } from "../../policy/engine/values";
import { rules } from "../../policy/registry";
import { judgeResource } from "./support/judge";

/** A task that writes to a cluster which nothing protects. */
function weakStack(): readonly PolicyResource[] {
    const resource = (
        type: string,
        name: string,
        props: Values,
        made: Readonly<Record<string, PolicyResource[]>> = {},
    ): PolicyResource => ({
        type,
        name,
        props,
        urn: name,
        opts: {
            protect: false,
            ignoreChanges: [],
            aliases: [],
            customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
            additionalSecretOutputs: [],
        },
        dependencies: [],
        propertyDependencies: made,
        isType: () => true,
        asType: () => undefined,
    });
    const cluster = resource("aws:rds/cluster:Cluster", "cluster", { skipFinalSnapshot: true });
    const endpoint = resource("aws:dms/endpoint:Endpoint", "target", {}, { serverName: [cluster] });
    const task = resource(
        "aws:dms/replicationTask:ReplicationTask",
        "task",
        {},
        { targetEndpointArn: [endpoint] },
    );
    return [cluster, endpoint, task];
}

describe("policy: registry", () => {
    it("gives every rule a name of its own", () => {
        const names = rules.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        for (const name of names) {
            assert.match(
                name,
                /^(rds|dms|vpc|ec2|secrets|ssm|iam|s3|postgresql|inputs|stack)(-[a-z0-9]+)+$/,
            );
        }
    });

    it("fills every field of every rule", () => {
        for (const rule of rules) {
            const policy = toPolicy(rule);
            for (const text of [policy.displayName, policy.description, policy.remediationSteps]) {
                assert.ok(
                    text !== undefined && text.trim().length > 8,
                    `${rule.name}: ${text ?? ""}`,
                );
            }
            assert.match(policy.description, /\.$/, rule.name);
            assert.match(policy.remediationSteps ?? "", /^[A-Z].*\.$/, rule.name);
            assert.match(policy.url ?? "", /^https:\/\/[^/]+\/.+/, rule.name);
            assert.match(policy.severity ?? "", /^(low|medium|high|critical)$/, rule.name);
            assert.equal(policy.enforcementLevel, "mandatory", rule.name);
            assert.equal(policy.tags?.length, rule.frameworks.length - 1, rule.name);
            for (const framework of rule.frameworks) {
                assert.ok(Object.values(framework).every((value: string) => value.trim() !== ""));
            }
        }
    });

    it("says where each rule's setting is changed, in files and config keys that exist", () => {
        for (const { name, changedIn: where } of rules) {
            assert.ok(where.length > 4, name);
            for (const [file] of where.matchAll(/\b[\w/]+\.ts\b/g)) {
                assert.ok(existsSync(path.join(__dirname, "..", "..", file)), file);
            }
            for (const [, key = ""] of where.matchAll(/audit-trail:(\w+)/g)) {
                assert.ok(
                    configKeys.some((one) => one.key === key),
                    key,
                );
            }
        }
    });

    it("tells what was found before what is demanded", async () => {
        const rule = rules.find(({ name }) => name === "dms-endpoint-tls");
        assert.ok(rule !== undefined);
        const { mandatory } = await judgeResource(rule, {
            type: "aws:dms/endpoint:Endpoint",
            name: "source",
            properties: { sslMode: "none", certificateArn: "arn" },
        });
        assert.equal(
            mandatory.join(),
            `sslMode is "none"; set "verify-full". Change it in components/dms/dmsEndpoint.ts. Demanded: ${rule.description}`,
        );
    });

    it("says of every Security Hub control which rule checks it, or why none does", () => {
        const names = rules.map(({ name }) => name);
        const controls = coverage.flatMap((entry) => entry.controls);
        assert.equal(new Set(controls).size, controls.length, "a control is listed twice");
        for (const {
            controls: [first = ""],
            rules: by,
            reason,
        } of coverage) {
            assert.ok(by.length > 0 ? reason === undefined : (reason ?? "") !== "", first);
            assert.deepEqual(
                by.filter((name) => !names.includes(name)),
                [],
                first,
            );
        }
        const claimed = rules.flatMap(({ frameworks }) =>
            frameworks
                .filter(({ name }) => name.startsWith("AWS Foundational"))
                .map(({ reference }) => reference),
        );
        assert.deepEqual(
            claimed.filter((control) => !controls.includes(control)),
            [],
            "rules claim controls that the table does not have",
        );
    });

    it("takes the configurations that the project ships, for rules and settings that exist", async () => {
        for (const stack of ["dev", "prod"]) {
            const file = path.join(__dirname, "..", "..", "policy", "config", `${stack}.json`);
            const config = JSON.parse(await readFile(file, "utf8")) as Record<string, object>;
            for (const [name, settings] of Object.entries(config)) {
                const rule = rules.find((candidate) => candidate.name === name);
                assert.ok(rule !== undefined, `${stack}: there is no rule ${name}.`);
                const known = Object.keys(rule.configSchema?.properties ?? {});
                assert.deepEqual(
                    Object.keys(settings).filter((key) => !known.includes(key)),
                    [],
                    `${stack}: ${name}`,
                );
            }
        }
    });

    it("excuses only a stack that is to be thrown away from protection", () => {
        const rule = rules.find(({ name }) => name === "stack-trail-protected");
        assert.ok(rule?.scope === "stack");
        const violations = (protection: unknown): number => {
            let count = 0;
            const stack = new StackView(weakStack());
            rule.judge(stack, new Findings(() => (count += 1)), { protection });
            return count;
        };
        assert.deepEqual(
            [violations("none"), violations("required"), violations(undefined)],
            [0, 3, 3],
        );
    });

    it("honours the configured number of backup days", () => {
        const rule = rules.find(({ name }) => name === "rds-backups-kept");
        assert.ok(rule?.scope === "resource");
        const verdict = (days: number, minimumDays: unknown): number => {
            let violations = 0;
            const findings = new Findings(() => (violations += 1));
            const type = "aws:rds/cluster:Cluster";
            rule.judge({ backupRetentionPeriod: days }, findings, {
                type,
                config: { minimumDays },
            });
            return violations;
        };
        assert.deepEqual(
            [verdict(10, 14), verdict(14, 14), verdict(1, 1), verdict(6, undefined)],
            [1, 0, 0, 1],
        );
    });

    it("starts under the SDK's own runner and says where it listens", async () => {
        const runner = createRequire(__filename).resolve("@pulumi/pulumi/cmd/run-policy-pack");
        const pack = spawn(process.execPath, [runner, "127.0.0.1:0", "."], {
            cwd: path.join(__dirname, "..", "..", "policy"),
            stdio: ["ignore", "pipe", "inherit"],
            timeout: 15_000,
        });
        try {
            const [chunk] = (await once(pack.stdout, "data")) as [Buffer];
            assert.match(chunk.toString(), /^\d+\n$/);
        } finally {
            pack.kill();
            await once(pack, "exit");
        }
    });
});
