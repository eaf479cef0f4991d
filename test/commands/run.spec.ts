import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { type Environment, launch } from "../../testing/command";

const run = createRequire(__filename)("../../commands/run.cjs") as {
    folderProblem(folder: string): string | undefined;
    loadProblem(folder: string, message: string): string;
    unusable(place: string, code: string): string;
};

describe("what a command needs before it can begin", function () {
    let parent: string;
    before(async () => {
        parent = await mkdtemp(path.join(await realpath(tmpdir()), "audit-trail-run-"));
    });
    after(async () => {
        await rm(parent, { recursive: true, force: true });
    });

    const SHIM = "local/engine/shims/pulumi-resource-pulumi-nodejs";

    /** The project's programs that it begins with, in a folder of this name. */
    async function projectIn(name: string): Promise<string> {
        const folder = path.join(parent, name);
        await mkdir(folder, { recursive: true });
        for (const part of ["package.json", "commands/run.cjs", SHIM]) {
            await cp(path.join(PROJECT_ROOT, part), path.join(folder, part));
        }
        return folder;
    }

    async function sentence(
        folder: string,
        command: string,
        environment: Environment = {},
    ): Promise<string> {
        const program = path.join(folder, "commands", "run.cjs");
        const result = await launch(process.execPath, [program, command], environment).ended;
        assert.equal(result.code, command === "verify" ? 2 : 1, result.output);
        const [line = "", ...more] = result.output.trim().split("\n");
        assert.deepEqual(more, [], result.output);
        return line;
    }

    it("are packages: it says which command installs them, also to verify and to stop", async () => {
        const folder = await projectIn("without packages");
        for (const command of ["start", "stop", "verify"]) {
            assert.match(
                await sentence(folder, command),
                /^The project's packages are not all installed \(\d+ are missing\); run "npm ci" in .*without packages, /,
            );
        }
    });

    it("are programs that may be run", () => {
        const told = (message: string): string => run.loadProblem("/srv/it", message);
        assert.match(
            told("The service is no longer running: spawn /srv/it/esbuild EACCES\nat x"),
            /^No program may be run in \/srv\/it \(.*EACCES\); move the project to .* noexec, .*\.$/,
        );
        assert.match(
            told("The package esbuild could not be found"),
            /^The project's programs cannot be loaded \(.*\); run "npm ci" in \/srv\/it, /,
        );
    });

    it("is a folder for the stack's files that can be written to", () => {
        const told = (code: string): string => run.unusable("/srv/it/.local", code);
        assert.match(told("EROFS"), /^\/srv\/it\/\.local is on a file system .* read-only, .*\.$/);
        assert.match(told("EACCES"), /^This user may not use .* \(EACCES\), which another user/);
        assert.match(told("ENOENT"), /is a link to a folder that is not there; /);
    });

    it("are line ends that a shell reads", async () => {
        const folder = await projectIn("from windows");
        await writeFile(path.join(folder, SHIM), "#!/bin/sh\r\nexec true\r\n");
        assert.match(
            await sentence(folder, "start"),
            /^The project's files have Windows line ends, .*; check it out again .*\.$/,
        );
    });

    it("is a folder whose name no program reads as something else", async () => {
        const told = await sentence(await projectIn("a$(touch pwned)"), "start");
        assert.match(told, /^The project's folder ".*\$\(touch pwned\)" has "\$" in its name, /);
        for (const character of '"$`\\:,?%#\n\t') {
            assert.match(
                run.folderProblem(`/srv/one ${character} two`) ?? "",
                /^The project's folder .* has .* in its name, .*; rename or move it .*\.$/,
            );
        }
    });

    it("is a folder for the stack that is there, inside the project, and this user's", async () => {
        const folder = await projectIn("folders");
        const modules = path.join(folder, "node_modules");
        await symlink(await realpath(path.join(PROJECT_ROOT, "node_modules")), modules);
        await symlink(path.join(parent, "gone"), path.join(folder, "link"));
        await writeFile(path.join(folder, "file"), "");
        for (const [chosen, told] of [
            [parent, /^AUDIT_TRAIL_LOCAL_DIR names .*, which is not a folder inside /],
            [".", /^AUDIT_TRAIL_LOCAL_DIR names .*, which is not a folder inside /],
            ["a,b", /^AUDIT_TRAIL_LOCAL_DIR names ".*a,b", which has a character /],
            ["link", /link is a link to a folder that is not there; make that folder or remove /],
            ["file", /file is not a folder, and the stack's files belong there; rename it /],
        ] as const) {
            assert.match(await sentence(folder, "stop", { AUDIT_TRAIL_LOCAL_DIR: chosen }), told);
        }
    });

    it("may be a folder with quotes, blanks and letters of any kind", () => {
        const name = "/srv/it's a (long) ünïcode & “quoted” 名前 ~ [x] {y} * " + "x".repeat(400);
        assert.equal(run.folderProblem(name), undefined);
    });
});
