import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { launch } from "../testing/command";
import { hostileEnvironment } from "../testing/hostileEnvironment";

describe("the tests themselves", () => {
    it("pass on a real server whatever a developer has set for other programs", async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "audit-trail-another-"));
        try {
            const { code, output } = await launch(
                process.execPath,
                [
                    path.join("node_modules", "mocha", "bin", "mocha.js"),
                    "--no-parallel",
                    path.join("test", "database", "sqlTemplate.spec.ts"),
                ],
                hostileEnvironment(folder),
            ).ended;
            assert.equal(code, 0, output);
            assert.match(output, /[1-9]\d* passing/u);
        } finally {
            await rm(folder, { recursive: true, force: true });
        }
    });
});
