import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { localDir } from "../../../local/engine/paths";
import { Progress } from "../../../local/engine/progress";
import { obtainCli } from "../../../local/engine/pulumiCli";
import { localStackPlace, openStack } from "../../../local/engine/workspace";
import { useOwnEnvironment } from "../../../local/environment";
import { authorityFiles } from "../../../local/servers/tls";
import type { Deployment } from "../../../testing/stateSnapshot";
import { messageOf } from "../../../text/errors";

/** Inputs that a preview gives to the resources of a type beyond what the config can say. */
export type Alterations = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The authority of the stack that the state was taken from: another one would be a change. */
async function placeAuthority({ deployment }: Deployment): Promise<void> {
    const certificate = deployment.resources.find(({ type }) => type.endsWith(":Certificate"));
    const { certPath, keyPath } = authorityFiles(path.join(localDir(), "local"));
    await mkdir(path.dirname(certPath), { recursive: true });
    const pem = certificate?.inputs?.certificatePem as string | { plaintext: string };
    await writeFile(
        certPath,
        typeof pem === "string" ? pem : (JSON.parse(pem.plaintext) as string),
    );
    await writeFile(keyPath, "");
}

/**
 * `previewState.ts <snapshot> <alterations as JSON> [unguarded]`: previews what an update would do to a stack that has this state, with
 * the settings of the environment, on request without the hooks that refuse replacements. No server is needed. Prints the report as JSON. In a process of its own, because the
 * program's modules run once in one.
 */
async function main([snapshot = "", alterations = "{}", mode]: readonly string[]): Promise<void> {
    useOwnEnvironment();
    const state = JSON.parse(gunzipSync(await readFile(snapshot)).toString()) as Deployment;
    await placeAuthority(state);
    const stack = await openStack(await obtainCli(console.error), localStackPlace(), console.error);
    // Its secrets are in clear; they are encrypted anew as those of this stack are.
    const { encryptionSalt: salt } = await stack.workspace.stackSettings(stack.name);
    await stack.importStack({
        version: state.version,
        deployment: {
            ...state.deployment,
            secrets_providers: { type: "passphrase", state: { salt } },
        },
    });
    const added = JSON.parse(alterations) as Alterations;
    const { program } = stack.workspace;
    stack.workspace.program = () => {
        pulumi.runtime.registerStackTransformation(({ type, props, opts }) => ({
            props: { ...props, ...added[type] },
            opts: mode === "unguarded" ? { ...opts, hooks: {} } : opts,
        }));
        return program?.() ?? Promise.resolve();
    };
    const progress = new Progress();
    try {
        await stack.preview({ onEvent: progress.onEvent });
    } catch (error) {
        if (progress.finish().errors.length === 0) {
            throw error;
        }
    }
    process.stdout.write(JSON.stringify(progress.finish()));
}

void main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
});
