import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

import { PROJECT_ROOT } from "../../../local/engine/paths";
import { launch } from "../../support/command";

const run = createRequire(__filename)("../../../local/commands/run.cjs") as {
    folderProblem(folder: string): string | undefined;
};

describe("what a command needs before it can begin", function () {
    this.timeout(30_000);
    let parent: string;
    before(async () => {
        parent = await mkdtemp(path.join(await realpath(tmpdir()), "audit-trail-run-"));
    });
    after(async () => {
        await rm(parent, { recursive: true, force: true });
    });

    /** The project's programs in a folder of this name, with these of its packages. */
    async function projectIn(name: string, packages: "all" | "none"): Promise<string> {
        const folder = path.join(parent, name);
        await mkdir(folder, { recursive: true });
        const parts = packages === "all" ? ["local", "components"] : ["local/commands/run.cjs"];
        for (const part of ["package.json", ...parts]) {
            await cp(path.join(PROJECT_ROOT, part), path.join(folder, part), { recursive: true });
        }
        if (packages === "all") {
            const modules = path.join(PROJECT_ROOT, "node_modules");
            await symlink(await realpath(modules), path.join(folder, "node_modules"));
        }
        return folder;
    }

    async function sentence(folder: string, command: string): Promise<string> {
        const program = path.join(folder, "local", "commands", "run.cjs");
        const result = await launch(process.execPath, [program, command], {}).ended;
        assert.equal(result.code, command === "verify" ? 2 : 1, result.output);
        const [line = "", ...more] = result.output.trim().split("\n");
        assert.deepEqual(more, [], result.output);
        return line;
    }

    it("are packages: it says which command installs them, also to verify and to stop", async () => {
        const folder = await projectIn("without packages", "none");
        for (const command of ["start", "stop", "verify"]) {
            assert.match(
                await sentence(folder, command),
                /^The project's packages are not all installed \(\d+ are missing\); run "npm ci" in .*without packages, /,
            );
        }
    });

    it("is a folder whose name no program reads as something else", async () => {
        const told = await sentence(await projectIn("a$(touch pwned)", "none"), "start");
        assert.match(told, /^The project's folder ".*\$\(touch pwned\)" has "\$" in its name, /);
        for (const character of '"$`\\:,?%#\n\t') {
            assert.match(
                run.folderProblem(`/srv/one ${character} two`) ?? "",
                /^The project's folder .* has .* in its name, .*; rename or move it .*\.$/,
            );
        }
    });

    it("may be a folder with quotes, blanks and letters of any kind", async () => {
        const folder = await projectIn("it's a (long) ünïcode & “quoted” 名前 ~ [x] {y} *", "all");
        const program = path.join(folder, "local", "commands", "run.cjs");
        const result = await launch(process.execPath, [program, "outputs"], {
            AUDIT_TRAIL_LOCAL_DIR: path.join(parent, "nothing"),
        }).ended;
        assert.match(result.stderr, /^The laptop stack is not deployed; run "npm start" first\.$/m);
    });
});
