import { once } from "node:events";
import { rm } from "node:fs/promises";
import path from "node:path";
import { sweepStack } from "../../../local/aws/revive";

/**
 * `sweep.ts <local folder> <settings folder>`: waits for the end of its standard input, then ends whatever the stack
 * still has and removes both folders. The input ends when the test says so, and also when the test's process dies.
 */
async function main([localDir = "", settingsDir = ""]: readonly string[]): Promise<void> {
    await once(process.stdin.resume(), "end");
    await sweepStack(path.join(localDir, "local"));
    await rm(localDir, { recursive: true, force: true });
    await rm(settingsDir, { recursive: true, force: true });
}

void main(process.argv.slice(2));
