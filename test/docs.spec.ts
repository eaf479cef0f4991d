import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { defaults } from "../config/keys";

const ROOT = path.resolve(__dirname, "..");
const read = (file: string): string => readFileSync(path.join(ROOT, file), "utf8");

describe("the README", () => {
    const readme = read("README.md");

    it("has every config key, and no key that does not exist", () => {
        const table = readme.slice(readme.indexOf("| Key"), readme.indexOf("**What it costs"));
        const rows = table.split("\n").slice(2);
        const keys = rows.flatMap((row) =>
            [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map((match) => match[1]),
        );
        assert.deepEqual([...keys].sort(), Object.keys(defaults).sort());
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
            "README.md",
            ...readdirSync(path.join(ROOT, "docs")).map((file) => `docs/${file}`),
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
