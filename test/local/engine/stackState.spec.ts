import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { removeEmptySideFiles } from "../../../local/engine/stackState";
import { namesIn } from "../../../local/servers/files";
import { withTempDir } from "../../../testing/tempDir";

describe("the file backend's state", () => {
    it("loses the empty side files that a killed engine left, and nothing else", async () => {
        await withTempDir(async (engineDir) => {
            await removeEmptySideFiles(engineDir);
            const stacks = path.join(engineDir, "state", ".pulumi", "stacks", "audit-trail");
            await mkdir(stacks, { recursive: true });
            for (const [name, text] of [
                ["local.json", "{}"],
                ["local.json.attrs", ""],
                ["local.json.bak", ""],
                ["local.json.bak.attrs", "{}"],
            ] as const) {
                await writeFile(path.join(stacks, name), text);
            }
            await removeEmptySideFiles(engineDir);
            assert.deepEqual(await namesIn(stacks), [
                "local.json",
                "local.json.bak",
                "local.json.bak.attrs",
            ]);
        });
    });
});
