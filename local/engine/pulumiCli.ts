import { existsSync, promises } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { SemVer } from "semver";
import { messageOf, PlainError } from "../../text/errors";
import { buildCli } from "./cliBuild";
import { cacheDir } from "./paths";

/** The version that is fetched when no Pulumi CLI is there. local/engine/pulumi-cli/go.mod names the same one. */
export const CLI_VERSION = "3.258.0";

/** The oldest CLI on PATH that is used as it is: `plugins.providers[].path` and mandatory policies work as they do here. */
export const CLI_MINIMUM = "3.200.0";

/** The ways to come by a CLI, in the order in which they are tried; each fails by throwing. */
export interface CliSources {
    /** The `pulumi` on PATH; undefined where there is none. */
    onPath(): Promise<PulumiCommand | undefined>;
    /** The one that an earlier run left in the folder; undefined where there is none. */
    cached(root: string): Promise<PulumiCommand | undefined>;
    /** The vendor's download into the folder. */
    download(root: string): Promise<PulumiCommand>;
    /** A build from Go modules into the folder. */
    build(root: string, say: (line: string) => void): Promise<PulumiCommand>;
}

/** How long a CLI may take to tell its version, in milliseconds. */
const ANSWER_DEADLINE_MS = 30_000;

/** Why something failed, in one line. The Automation API's errors hold the exit code and all output, each with a heading. */
function reason(error: unknown): string {
    const text = messageOf(error);
    const lines = text
        .split("\n")
        .map((line) => line.replace(/^ *(stdout|stderr|err\?): */, "").trim())
        .filter((line) => line !== "" && !/^code: -?\d+$/.test(line));
    return lines.slice(0, 2).join(": ") || "unknown reason";
}

/**
 * Finds a Pulumi CLI or gets one: PATH, the cache, the vendor's download, a build with Go. One that is there but does not
 * work is passed over, and said: what replaces it takes minutes.
 *
 * @param say receives one line per step that takes time.
 * @throws PlainError with one sentence when none of the ways works.
 */
export async function obtainCli(
    say: (line: string) => void,
    sources: CliSources = realSources,
): Promise<PulumiCommand> {
    const root = path.join(cacheDir(), `pulumi-${CLI_VERSION}`);
    return (
        (await usableOnPath(say, sources)) ??
        (await usableInCache(root, say, sources)) ??
        (await fetched(root, say, sources))
    );
}

async function usableOnPath(
    say: (line: string) => void,
    sources: CliSources,
): Promise<PulumiCommand | undefined> {
    const instead = `using ${CLI_VERSION} from the cache folder instead.`;
    try {
        const command = await sources.onPath();
        if (command === undefined || (command.version?.compare(CLI_MINIMUM) ?? -1) >= 0) {
            return command;
        }
        say(
            `The Pulumi CLI on PATH is ${command.version?.version ?? "of unknown version"}, older than ${CLI_MINIMUM}: ${instead}`,
        );
    } catch (error) {
        say(`The Pulumi CLI on PATH does not work (${reason(error)}): ${instead}`);
    }
    return undefined;
}

async function usableInCache(
    root: string,
    say: (line: string) => void,
    sources: CliSources,
): Promise<PulumiCommand | undefined> {
    try {
        return await sources.cached(root);
    } catch (error) {
        say(
            `The Pulumi CLI in ${root} does not work (${reason(error)}): another one takes its place, once that works.`,
        );
        return undefined;
    }
}

async function fetched(
    root: string,
    say: (line: string) => void,
    sources: CliSources,
): Promise<PulumiCommand> {
    try {
        say(`Downloading the Pulumi CLI ${CLI_VERSION} from the vendor into ${root}.`);
        return await sources.download(root);
    } catch (error) {
        say(`The download failed (${reason(error)}).`);
        try {
            return await sources.build(root, say);
        } catch (buildError) {
            throw new PlainError(
                `No Pulumi CLI could be had: none on PATH that works, the download failed (${reason(error)}), and so did the build from Go modules (${reason(buildError)}); install Pulumi ${CLI_MINIMUM} or newer (https://www.pulumi.com/docs/install/) or Go, and run the command again.`,
                { cause: buildError },
            );
        }
    }
}

/** Asks a CLI for its version; one that does not answer does not work. */
async function answering(root?: string): Promise<PulumiCommand> {
    const seconds = String(ANSWER_DEADLINE_MS / 1000);
    const deadline = new AbortController();
    const late = pause(ANSWER_DEADLINE_MS, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`it did not tell its version within ${seconds} s`);
    });
    late.catch(() => undefined);
    try {
        return await Promise.race([PulumiCommand.get(root === undefined ? {} : { root }), late]);
    } finally {
        deadline.abort();
    }
}

/** Whether a folder of the search path holds a program of this name. */
function isOnPath(program: string): boolean {
    const folders = (process.env.PATH ?? "").split(path.delimiter);
    return folders.some((folder) => existsSync(path.join(folder, program)));
}

/**
 * Makes a CLI in a folder of its own and puts it into the place of the one that is there once it works: neither an
 * interrupted attempt nor a broken one may replace it.
 */
async function inPlaceOf(
    root: string,
    make: (unfinished: string) => Promise<void>,
): Promise<PulumiCommand> {
    const unfinished = `${root}.new-${String(process.pid)}`;
    const replaced = `${root}.old-${String(process.pid)}`;
    try {
        await make(unfinished);
        await answering(unfinished);
        if (existsSync(root)) {
            await promises.rename(root, replaced);
        }
        await promises.rename(unfinished, root);
        return await answering(root);
    } finally {
        await promises.rm(unfinished, { recursive: true, force: true });
        await promises.rm(replaced, { recursive: true, force: true });
    }
}

const realSources: CliSources = {
    onPath: async () => (isOnPath("pulumi") ? await answering() : undefined),
    cached: async (root) =>
        existsSync(path.join(root, "bin", "pulumi")) ? await answering(root) : undefined,
    download: (root) =>
        inPlaceOf(root, async (unfinished) => {
            await PulumiCommand.install({ root: unfinished, version: new SemVer(CLI_VERSION) });
        }),
    build: (root, say) => inPlaceOf(root, (unfinished) => buildCli(unfinished, CLI_VERSION, say)),
};
