import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** A download that takes longer than this is given up, in milliseconds. */
const DOWNLOAD_DEADLINE_MS = 300_000;

/** What finds and installs plugins; separate from the effects so that it can be tried with fakes. */
export interface PluginHome {
    /** The variables of the engine's environment. */
    readonly environment: NodeJS.ProcessEnv;
    readonly home: string;
    readonly exists: (file: string) => boolean;
    /** Runs the CLI with these arguments; undefined when it succeeded, otherwise its message. */
    readonly cli: (args: readonly string[]) => Promise<string | undefined>;
}

/** The version of the vendor's plugin that belongs to the project's SDK. */
export function pinnedVersion(): string {
    const manifest = path.resolve(__dirname, "../../node_modules/@pulumi/postgresql/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return version;
}

/** As the engine reads a variable that is a switch. */
function isOn(value: string | undefined): boolean {
    return value === "1" || value?.toLowerCase() === "true";
}

/**
 * The vendor's plugin in the engine's own folder; installed there when it is missing, which the engine itself leaves to
 * whoever stands in for a plugin.
 *
 * @throws one sentence when there is none and none can be had.
 */
export async function vendorPlugin(version: string, plugins: PluginHome): Promise<string> {
    const { environment, home, exists, cli } = plugins;
    const engineHome = environment.PULUMI_HOME || path.join(home, ".pulumi");
    const file = path.join(
        engineHome,
        "plugins",
        `resource-postgresql-v${version}`,
        "pulumi-resource-postgresql",
    );
    if (exists(file)) {
        return file;
    }
    const args = ["plugin", "install", "resource", "postgresql", version];
    const reason = isOn(environment.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION)
        ? "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION is set"
        : await cli(args);
    if (reason === undefined && exists(file)) {
        return file;
    }
    throw new Error(
        `The postgresql plugin ${version} is not in ${path.dirname(file)} and cannot be installed (${reason ?? "the CLI installed it elsewhere"}); run "pulumi ${args.join(" ")}" and then this command again.`,
    );
}

/** The last line that a program wrote, which says why it failed. */
function lastLine(text: string): string {
    return text.trim().split("\n").at(-1)?.trim() ?? "";
}

/** This machine's plugins and the CLI on its search path. */
export const ENGINE_HOME: PluginHome = {
    environment: process.env,
    home: homedir(),
    exists: existsSync,
    cli: (args) =>
        new Promise((resolve) => {
            const child = spawn("pulumi", [...args, "--non-interactive"], {
                stdio: ["ignore", "ignore", "pipe"],
                env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
                timeout: DOWNLOAD_DEADLINE_MS,
            });
            let said = "";
            child.stderr.on("data", (chunk: Buffer) => {
                said = (said + chunk.toString("utf8")).slice(-4096);
            });
            child.once("error", (error) => {
                resolve(`the Pulumi CLI cannot be started: ${error.message}`);
            });
            child.once("close", (code) => {
                resolve(code === 0 ? undefined : lastLine(said) || `exit code ${String(code)}`);
            });
        }),
};
