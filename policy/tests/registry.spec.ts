import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

import { formattedPage, generatedPages } from "../docsPage";
import { toPolicy } from "../pulumiPolicy";
import { rules } from "../registry";
import { Findings } from "../findings";

describe("policy: registry", () => {
    it("gives every rule a name of its own", () => {
        const names = rules.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        for (const name of names) {
            assert.match(name, /^(rds|dms|vpc|ec2|secrets|stack)(-[a-z0-9]+)+$/);
        }
    });

    it("fills every field of every rule", () => {
        for (const rule of rules) {
            const policy = toPolicy(rule);
            for (const text of [policy.displayName, policy.description, policy.remediationSteps]) {
                assert(text !== undefined && text.trim().length > 8, `${rule.name}: ${text ?? ""}`);
            }
            assert.match(policy.description, /\.$/, rule.name);
            assert.match(policy.remediationSteps ?? "", /^[A-Z].*\.$/, rule.name);
            assert.match(policy.url ?? "", /^https:\/\/[^/]+\/.+/, rule.name);
            assert.match(policy.severity ?? "", /^(low|medium|high|critical)$/, rule.name);
            assert.equal(policy.enforcementLevel, "mandatory", rule.name);
            assert.equal(policy.tags?.length, rule.frameworks.length - 1, rule.name);
            for (const framework of rule.frameworks) {
                assert(Object.values(framework).every((value: string) => value.trim() !== ""));
            }
        }
    });

    it("has docs pages that tell of these rules and of the settings that they know", async () => {
        for (const page of generatedPages) {
            assert.equal(
                await readFile(page.file, "utf8"),
                await formattedPage(page),
                `${page.file} is out of date; run npx tsx policy/writeDocs.ts.`,
            );
        }
    });

    it("honours the configured number of backup days", () => {
        const rule = rules.find(({ name }) => name === "rds-backups-kept");
        assert(rule?.scope === "resource");
        const verdict = (days: number, minimumDays: unknown): number => {
            let violations = 0;
            const findings = new Findings(() => (violations += 1));
            const type = "aws:rds/cluster:Cluster";
            rule.examine({ backupRetentionPeriod: days }, findings, {
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
            cwd: join(__dirname, ".."),
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
