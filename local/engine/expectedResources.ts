import { promises } from "node:fs";
import path from "node:path";
import { cacheDir } from "./paths";
import { readDeployment } from "./stackState";
import type { StackPlace } from "./workspace";

/** Kept from one stack to the next, of which the first deployment has no state to count. */
function memory(): string {
    return path.join(cacheDir(), "resources");
}

/**
 * How many resources an update is expected to have: those of the state, or of the last deployment on this machine where it
 * had more, as after an interrupted start. Only the bar depends on it; a preview to know it would take as long as the wait.
 */
export async function expectedResources({
    engineDir,
    stackName,
}: Pick<StackPlace, "engineDir" | "stackName">): Promise<number | undefined> {
    const deployment = await readDeployment(engineDir, stackName);
    const remembered = await promises.readFile(memory(), "utf8").catch(() => "");
    const count = Math.max(deployment?.resources?.length ?? 0, parseInt(remembered, 10) || 0);
    return count > 0 ? count : undefined;
}

/** Keeps the number of resources that a finished update left. Where that cannot be written, nothing is lost. */
export async function rememberResources({
    engineDir,
    stackName,
}: Pick<StackPlace, "engineDir" | "stackName">): Promise<void> {
    const count = (await readDeployment(engineDir, stackName))?.resources?.length ?? 0;
    await promises
        .mkdir(cacheDir(), { recursive: true })
        .then(() => promises.writeFile(memory(), `${String(count)}\n`))
        .catch(() => undefined);
}
