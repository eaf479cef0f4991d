import * as fs from "node:fs";
import * as path from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { SemVer } from "semver";
import { buildCli } from "./cliBuild";
import { cacheDir } from "./paths";

/** The version that is fetched when no Pulumi CLI is there. tools/pulumi-cli/go.mod names the same one. */
export const CLI_VERSION = "3.258.0";

/** The oldest CLI on PATH that is used as it is: `plugins.providers[].path` and mandatory policies work as they do here. */
export const CLI_MINIMUM = "3.200.0";

/** The ways to come by a CLI, in the order in which they are tried; each fails by throwing. */
export interface CliSources {
    /** The `pulumi` on PATH. */
    onPath(): Promise<PulumiCommand>;
    /** The one that an earlier run left in the folder. */
    cached(root: string): Promise<PulumiCommand>;
    /** The vendor's download into the folder. */
    download(root: string): Promise<PulumiCommand>;
    /** A build from Go modules into the folder. */
    build(root: string, say: (line: string) => void): Promise<PulumiCommand>;
}

/** Something has to be installed by the user before a Pulumi CLI can be had. */
export class MissingCliError extends Error {}

function reason(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return (
        text
            .split("\n")
            .find((line) => line.trim() !== "")
            ?.trim() ?? "unknown reason"
    );
}

/**
 * Finds a Pulumi CLI or gets one: PATH, the cache, the vendor's download, a build with Go.
 *
 * @param say receives one line per step that takes time.
 * @throws MissingCliError with one sentence when none of the ways works.
 */
export async function obtainCli(
    say: (line: string) => void,
    sources: CliSources = realSources,
): Promise<PulumiCommand> {
    const root = path.join(cacheDir(), `pulumi-${CLI_VERSION}`);
    try {
        const command = await sources.onPath();
        if ((command.version?.compare(CLI_MINIMUM) ?? -1) >= 0) {
            return command;
        }
        say(
            `The Pulumi CLI on PATH is ${command.version?.version ?? "of unknown version"}, older than ${CLI_MINIMUM}: using ${CLI_VERSION} from the cache folder instead.`,
        );
    } catch {
        // None on PATH: the usual case on a new machine.
    }
    try {
        return await sources.cached(root);
    } catch {
        // Nothing cached yet.
    }
    try {
        say(`No Pulumi CLI found: downloading ${CLI_VERSION} from the vendor into ${root}.`);
        return await sources.download(root);
    } catch (error) {
        say(`The download failed (${reason(error)}).`);
        try {
            return await sources.build(root, say);
        } catch (buildError) {
            throw new MissingCliError(
                `No Pulumi CLI could be had: none on PATH, the download failed (${reason(error)}), and so did the build from Go modules (${reason(buildError)}); install Pulumi ${CLI_MINIMUM} or newer (https://www.pulumi.com/docs/install/) or Go, and run the command again.`,
                { cause: buildError },
            );
        }
    }
}

async function fromFolder(root: string): Promise<PulumiCommand> {
    return PulumiCommand.get({ root });
}

const realSources: CliSources = {
    onPath: () => PulumiCommand.get({}),
    cached: fromFolder,
    async download(root) {
        // Into a folder of its own first: an interrupted download must not look like a finished one.
        const unfinished = `${root}.download-${String(process.pid)}`;
        try {
            await PulumiCommand.install({ root: unfinished, version: new SemVer(CLI_VERSION) });
            await fs.promises.rename(unfinished, root);
            return await fromFolder(root);
        } finally {
            await fs.promises.rm(unfinished, { recursive: true, force: true });
        }
    },
    async build(root, say) {
        await buildCli(root, CLI_VERSION, say);
        return fromFolder(root);
    },
};
