import { homedir } from "node:os";
import path from "node:path";

/** The folder that holds Pulumi.yaml, sql/ and node_modules/. */
export const PROJECT_ROOT = path.resolve(__dirname, "../..");

/** The project's name in Pulumi.yaml, under which the file backend files its stacks. */
export const PROJECT_NAME = "audit-trail";

/** A folder that a variable names; an empty variable names none. */
function folderFrom(variable: string): string | undefined {
    const folder = process.env[variable];
    return folder === undefined || folder === "" ? undefined : path.resolve(PROJECT_ROOT, folder);
}

/** Everything the laptop stacks keep: servers, recorded resources, engine state. Removed by `npm stop`. */
export function localDir(): string {
    return folderFrom("AUDIT_TRAIL_LOCAL_DIR") ?? path.join(PROJECT_ROOT, ".local");
}

/** The folder of the laptop stack's settings file. */
export function localSettingsDir(): string {
    return folderFrom("AUDIT_TRAIL_LOCAL_SETTINGS") ?? path.join(PROJECT_ROOT, "local");
}

/** What is worth keeping between checkouts (a built CLI, downloaded plugins), in the place the platform gives to caches. */
export function cacheDir(): string {
    const home = homedir();
    const platformDefault =
        process.platform === "darwin"
            ? path.join(home, "Library", "Caches")
            : path.join(home, ".cache");
    // https://specifications.freedesktop.org/basedir-spec/latest/: a path that is not absolute is to be ignored.
    const { XDG_CACHE_HOME: chosen = "" } = process.env;
    return path.join(path.isAbsolute(chosen) ? chosen : platformDefault, "audit-trail");
}

/** Where the engine keeps its plugins: the user's own place if there is one, else our cache folder. */
export function pulumiHome(): string {
    return folderFrom("PULUMI_HOME") ?? path.join(cacheDir(), "pulumi-home");
}
