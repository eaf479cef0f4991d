import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { configKeys } from "../config/keys";
import { withConfigSchema } from "../config/keyTexts";
import { formattedText, generatedFiles } from "../docs/generatedFiles";

const ROOT = path.resolve(__dirname, "..");
const read = (file: string): string => readFileSync(path.join(ROOT, file), "utf8");

describe("the README", () => {
    const readme = read("README.md");

    it("shows only config keys that exist", () => {
        const known = configKeys.map(({ key }) => key);
        const set = [...readme.matchAll(/pulumi config set (?:--path ')?([\w:]+)/g)]
            .map(([, key = ""]) => key)
            .filter((key) => !key.includes(":"));
        assert.ok(set.length > 0, String(set));
        assert.deepEqual(
            set.filter((key) => !known.includes(key)),
            [],
        );
    });

    it("has every column of a log", () => {
        const table = readme.slice(readme.indexOf("| Column"), readme.indexOf("Nobody updates"));
        const named = table
            .split("\n")
            .slice(2)
            .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)])
            .map(([, name]) => name);
        const script = read("sql/audit/audit_log.sql");
        const columns = [
            ...script.matchAll(/^ {4}(\w+) (?:bigint|char|jsonb|timestamptz)/gm),
            ...script.matchAll(/^ {8}\('(\w+)', '/gm),
        ].map(([, name]) => name);
        assert.ok(columns.length > 10, String(columns));
        assert.deepEqual(named.sort(), columns.sort());
    });

    it("names only scripts that package.json has", () => {
        const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
        const named = [...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(
            (match) => match[1] ?? "",
        );
        assert.ok(named.length > 0);
        for (const script of named) {
            assert.ok(script in scripts, script);
        }
    });

    it("links only to files that exist", () => {
        for (const page of [
            ...["README.md", "CONTRIBUTING.md", "local/README.md", "local/dms/README.md"],
            ...readdirSync(path.join(ROOT, "docs"))
                .filter((file) => file.endsWith(".md"))
                .map((file) => `docs/${file}`),
        ]) {
            for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
                assert.ok(
                    existsSync(path.join(ROOT, path.dirname(page), target)),
                    `${page}: ${target}`,
                );
            }
        }
    });
});

describe("the generated files", () => {
    for (const generated of generatedFiles) {
        const name = path.relative(ROOT, generated.file);
        it(`have ${name} as the program says`, async () => {
            assert.equal(
                await readFile(generated.file, "utf8"),
                await formattedText(generated),
                `${name} is out of date; run npm run docs.`,
            );
        });
    }

    it("have a block of keys in Pulumi.yaml that is written over, and nothing above it", () => {
        const yaml = "name: x\nconfig:\n  old:\n    type: string\n";
        const once = withConfigSchema(yaml);
        assert.ok(once.startsWith('name: x\n# Written by "npm run docs"'), once);
        assert.ok(!once.includes("old:"));
        assert.equal(withConfigSchema(once), once);
        assert.throws(() => withConfigSchema("name: x\n"), /Pulumi\.yaml has no line "config:"/);
    });
});
