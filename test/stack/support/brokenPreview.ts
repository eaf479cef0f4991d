import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { preview } from "../../../local/engine/operation";
import { PROJECT_ROOT } from "../../../local/engine/paths";
import { obtainCli } from "../../../local/engine/pulumiCli";
import { openStack } from "../../../local/engine/workspace";
import { useOwnEnvironment } from "../../../local/environment";
import { messageOf } from "../../../text/errors";
import { breakages } from "../../policy/support/brokenSettings";

/**
 * `brokenPreview.ts <folder> <index>...`: previews the dev stack with those of the broken settings, under the policy
 * pack, with the engine's files in the folder. In a process of its own, because the program's modules run once in one.
 * Prints `<index> <resource>` for every resource that it broke.
 */
async function main([engineDir = "", ...indices]: readonly string[]): Promise<void> {
    useOwnEnvironment();
    const broken = breakages.map((one, index) => ({ ...one, index }));
    const chosen = broken.filter(({ index }) => indices.includes(String(index)));
    const cli = await obtainCli(console.error);
    const place = {
        stackName: "dev",
        settingsDir: PROJECT_ROOT,
        engineDir: path.resolve(engineDir),
        main: path.join(PROJECT_ROOT, "main.ts"),
    };
    const stack = await openStack(cli, place, console.error);
    const { program } = stack.workspace;
    stack.workspace.program = () => {
        pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
            const inputs = props as Record<string, unknown>;
            const meant = chosen.filter(
                (one) => one.type === type && (one.match?.(name, inputs) ?? true),
            );
            for (const { index } of meant) {
                console.log(`${String(index)} ${name}`);
            }
            const changed = meant.reduce((before, one) => one.break(before), inputs);
            return { props: changed, opts };
        });
        return program?.() ?? Promise.resolve();
    };
    const interruption = new AbortController().signal;
    await preview(stack, { verbose: false, interruption }, "never");
}

void main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
});
