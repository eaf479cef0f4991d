import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

/**
 * What the vendor's download of the CLI brings along beside its binary for programs in Node.js: the language host, which
 * also runs policy packs, and the host of dynamic providers. Until February 2026 there was a third file,
 * `pulumi-analyzer-policy-nodejs`, so that is nothing to go by.
 */
const BUNDLED: readonly string[] = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

/**
 * Whether the CLI brings its own plugins. A CLI that was built from modules has none; then those in local/engine/shims
 * serve.
 *
 * @param command the CLI's path, or its name, which is then looked up as a shell does.
 * @param searchPath the folders to look in, as in the variable PATH.
 */
export function hasBundledPlugins(command: string, searchPath: string): boolean {
    const found = path.isAbsolute(command)
        ? command
        : searchPath
              .split(path.delimiter)
              .map((dir) => path.join(dir, command))
              .find((file) => existsSync(file));
    if (found === undefined) {
        return false;
    }
    // The one on PATH may be a link into the folder of the download.
    const folder = path.dirname(realpathSync(found));
    return BUNDLED.every((name) => existsSync(path.join(folder, name)));
}
