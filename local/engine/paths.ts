import * as os from "node:os";
import * as path from "node:path";

/** The folder that holds Pulumi.yaml, sql/ and node_modules/. */
export const PROJECT_ROOT = path.resolve(__dirname, "../..");

/** The project's name in Pulumi.yaml, under which the file backend files its stacks. */
export const PROJECT_NAME = "audit-trail";

/** Everything the laptop stacks keep: servers, recorded resources, engine state. Removed by `npm stop`. */
export function localDir(): string {
    return process.env.AUDIT_TRAIL_LOCAL_DIR ?? path.join(PROJECT_ROOT, ".local");
}

/** What is worth keeping between checkouts (a built CLI, downloaded plugins), in the place the platform gives to caches. */
export function cacheDir(): string {
    const home = os.homedir();
    const platformDefault =
        process.platform === "darwin"
            ? path.join(home, "Library", "Caches")
            : path.join(home, ".cache");
    return path.join(process.env.XDG_CACHE_HOME ?? platformDefault, "audit-trail");
}
