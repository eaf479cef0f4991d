import { promises } from "node:fs";
import path from "node:path";
import { PROJECT_NAME } from "./paths";

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
