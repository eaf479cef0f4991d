import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

describe("the map of the project", () => {
    const architecture = read("docs/architecture.md");

    it("has a line for every folder that the arrows know, and for those without code", () => {
        const [, list = ""] =
            /const FOLDERS = \[([^\]]*)\]/.exec(read(".dependency-cruiser.cjs")) ?? [];
        const folders = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
        assert.ok(folders.length > 10, list);
        const table = architecture.slice(0, architecture.indexOf("```mermaid"));
        const named = [...table.matchAll(/^\| `(\w+)\/` +\|/gm)].map(([, name]) => name);
        assert.deepEqual(named.sort(), [...folders, "certs", "sql"].sort());
    });

    it("names only files and folders that there are", () => {
        const paths = [...architecture.matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)].map(
            ([, file = ""]) => file,
        );
        assert.ok(paths.length > 50, String(paths.length));
        const parts = new Set(
            ["components", "sql", "policy", "commands", "test"].flatMap((folder) =>
                readdirSync(path.join(ROOT, folder)),
            ),
        );
        for (const file of paths) {
            // In the line of its folder a part of it is named alone.
            const isPart = parts.has(file.slice(0, -1));
            assert.ok(isPart || existsSync(path.join(ROOT, file)), file);
        }
    });

    it("tells of every script of package.json", () => {
        const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
        const development = read("docs/development.md");
        for (const script of Object.keys(scripts)) {
            assert.match(
                development,
                new RegExp(`\`(npm )?(run )?${script}\``, "u"),
                `docs/development.md does not say what npm run ${script} does`,
            );
        }
    });
});
