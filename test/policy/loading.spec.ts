import assert from "node:assert/strict";
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

describe("what the policy pack loads", function () {
    this.timeout(60_000);

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
