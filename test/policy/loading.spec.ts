import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { launch } from "../../testing/command";

/** Loads what the pack loads, and says which files of npm's installer that took, before and after its first use. */
const PROGRAM = `
    require("./policy/lateInstaller.cjs");
    require("@pulumi/policy");
    require("@pulumi/pulumi/runtime/closure/codePaths");
    const { sep } = require("node:path");
    const count = () => Object.keys(require.cache).filter((file) => file.includes(["", "@npmcli", "arborist", "lib", ""].join(sep))).length;
    const before = count();
    const { Arborist } = require("@npmcli/arborist");
    const same = Arborist === require("@npmcli/arborist").Arborist;
    console.log(JSON.stringify({ before, loads: typeof Arborist.prototype.loadActual, same, more: count() > 10 }));
`;

/** Tells of a package's file and of one of the project's whether tsx is among what loaded it. */
const PACKAGE = `exports.loaders = new Error().stack;\n`;
const TYPED = `export const loaders: string | undefined = new Error().stack;\n`;
const LOADER = `
    require(process.argv[2]);
    const byTsx = (file) => /[\\\\/]tsx[\\\\/]/.test(require(file).loaders);
    console.log(JSON.stringify([byTsx("./node_modules/one"), byTsx("./typed")]));
`;

describe("what the policy pack loads", function () {
    this.timeout(60_000);

    it("is the project's files through tsx, and packages without it", async () => {
        const folder = mkdtempSync(path.join(tmpdir(), "audit-trail-loading-"));
        try {
            mkdirSync(path.join(folder, "node_modules", "one"), { recursive: true });
            writeFileSync(path.join(folder, "node_modules", "one", "index.js"), PACKAGE);
            writeFileSync(path.join(folder, "typed.ts"), TYPED);
            const loader = path.resolve(__dirname, "../../policy/typeScript.cjs");
            const main = path.join(folder, "main.cjs");
            writeFileSync(main, LOADER);
            const { code, output } = await launch(process.execPath, [main, loader], {}).ended;
            assert.equal(code, 0, output);
            assert.deepEqual(JSON.parse(output), [false, true]);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    it("is npm's installer only when something uses it", async () => {
        const { code, output } = await launch(process.execPath, ["-e", PROGRAM], {}).ended;
        assert.equal(code, 0, output);
        // The one file is the entry that stands in for the others.
        assert.deepEqual(JSON.parse(output), {
            before: 1,
            loads: "function",
            same: true,
            more: true,
        });
    });
});
