import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { obtainCli } from "../../../local/engine/pulumiCli";
import { environment } from "../../../local/engine/workspace";
import { useOwnEnvironment } from "../../../local/environment";
import type { LaptopStack } from "./laptopStack";

/** The engine's folder of a stack. */
function engineDir(stack: LaptopStack): string {
    return path.join(stack.localDir, "engine");
}

/** The file of the engine's state. */
export function stateFile(stack: LaptopStack): string {
    const stacks = path.join(engineDir(stack), "state", ".pulumi", "stacks");
    return path.join(stacks, "audit-trail", "local.json");
}

/** What the engine knows: each resource with its id, in order. The rest is encrypted anew with every write. */
export async function knownResources(stack: LaptopStack): Promise<string[]> {
    const { checkpoint } = JSON.parse(await readFile(stateFile(stack), "utf8")) as {
        checkpoint: { latest: { resources: { urn: string; id?: string }[] } };
    };
    return checkpoint.latest.resources.map(({ urn, id }) => `${urn} ${id ?? ""}`);
}

/**
 * Runs a command of the Pulumi CLI on a stack, as a person with a stock CLI does; rejects with what it printed when it
 * fails.
 */
export async function pulumi(
    stack: LaptopStack,
    command: string,
    ...args: string[]
): Promise<void> {
    useOwnEnvironment();
    const cli = await obtainCli(() => undefined);
    const place = { stackName: "local", settingsDir: "", engineDir: engineDir(stack), main: "" };
    const own = environment(cli, place);
    const { PATH = "", ...changes } = stack.environment;
    const searchPath = [PATH, own.PATH].filter((one) => one !== "").join(path.delimiter);
    const variables = { ...own, ...changes, PATH: searchPath };
    const full = [command, "--yes", "--stack", "local", ...args];
    const cwd = path.join(engineDir(stack), "work");
    const env = { ...process.env, ...variables };
    try {
        await promisify(execFile)(cli.command, full, { cwd, env });
    } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string };
        throw new Error(`${stdout ?? ""}\n${stderr ?? String(error)}`, { cause: error });
    }
}
