import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { groupsOf, PLACES, specs } from "../testing/specGroups";

const ROOT = path.resolve(__dirname, "..");
const read = (file: string): string => readFileSync(path.join(ROOT, file), "utf8");

describe("the groups of specs", () => {
    it("have every spec once", () => {
        const found = specs();
        assert.ok(found.length > 50, String(found.length));
        for (const spec of found) {
            assert.equal(groupsOf(spec).length, 1, spec);
        }
    });

    it("name only places that there are", () => {
        for (const place of Object.values(PLACES).flat()) {
            assert.ok(existsSync(path.join(ROOT, place)), place);
        }
    });

    it("start no server in test:unit", () => {
        const starters =
            /\b(scratch|trail|start|createRds)Server\(|\btrailDatabase\(|\b(World\.open|MortalServer\.start|Pipeline\.deploy|Runs\.start)\(/;
        for (const spec of specs().filter((one) => groupsOf(one).includes("unit"))) {
            assert.doesNotMatch(
                read(spec),
                starters,
                `${spec} belongs to sql in testing/specGroups.ts`,
            );
        }
    });
});
