import { promises } from "node:fs";
import path from "node:path";
import { PROJECT_NAME } from "./paths";

/**
 * Removes the empty side files that a killed engine leaves. The file backend renames a state into its place whole, but
 * writes the file `.attrs` beside it in place: with an empty one the engine cannot read the state, without one it can.
 *
 * @see https://github.com/google/go-cloud/blob/master/blob/fileblob/attrs.go
 */
export async function removeEmptySideFiles(engineDir: string): Promise<void> {
    const folder = path.join(engineDir, "state", ".pulumi");
    const entries = await promises
        .readdir(folder, { recursive: true, withFileTypes: true })
        .catch(() => []);
    for (const entry of entries.filter(({ name }) => name.endsWith(".attrs"))) {
        const file = path.join(entry.parentPath, entry.name);
        // An engine at work may have moved it meanwhile.
        const size = (await promises.stat(file).catch(() => undefined))?.size;
        if (size === 0) {
            await promises.rm(file, { force: true });
        }
    }
}

/** What is read of the file backend's state. */
export interface Deployment {
    readonly resources?: readonly unknown[];
    readonly pending_operations?: readonly unknown[];
}

/**
 * The stack's last deployment in the file backend's own file; undefined where there is none, or the file is not as expected.
 */
export async function readDeployment(
    engineDir: string,
    stackName: string,
): Promise<Deployment | undefined> {
    const stacks = path.join(engineDir, "state", ".pulumi", "stacks", PROJECT_NAME);
    try {
        const text = await promises.readFile(path.join(stacks, `${stackName}.json`), "utf8");
        const { checkpoint } = JSON.parse(text) as { checkpoint: { latest?: Deployment } };
        return checkpoint.latest;
    } catch {
        return undefined;
    }
}
