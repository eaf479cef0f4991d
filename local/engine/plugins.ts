import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { PulumiCommand } from "@pulumi/pulumi/automation";
import { cacheDir, PROJECT_ROOT, pulumiHome } from "./paths";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A download that takes longer than this is given up; the stand-in serves as well. */
const DOWNLOAD_DEADLINE_MS = 120_000;

function postgresqlVersion(): string {
    const manifest = path.join(PROJECT_ROOT, "node_modules/@pulumi/postgresql/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return version;
}

/** What decides whether the real plugin is used; separate from the effects so that it can be tried with fakes. */
export interface PluginSource {
    installed(version: string): boolean;
    /** True when a download failed less than a day ago: not every start shall wait for the same failure. */
    failedLately(): boolean;
    /** Installs the plugin; false when it cannot be had. */
    download(version: string): Promise<boolean>;
    rememberFailure(): void;
}

/** True when the real postgresql plugin is installed or could be downloaded just now; false when the stand-in has to serve. */
export async function realPostgresqlPlugin(
    source: PluginSource,
    say: (line: string) => void,
): Promise<boolean> {
    const version = postgresqlVersion();
    if (source.installed(version)) {
        return true;
    }
    if (source.failedLately()) {
        return false;
    }
    if (await source.download(version)) {
        return true;
    }
    source.rememberFailure();
    say(
        `The postgresql plugin ${version} cannot be downloaded: the stand-in in local/postgresql serves.`,
    );
    return false;
}

/** The engine's own plugin folder and download. */
export function enginePlugins(cli: PulumiCommand): PluginSource {
    const marker = path.join(cacheDir(), "postgresql-plugin-not-available");
    return {
        installed: (version) =>
            existsSync(path.join(pulumiHome(), "plugins", `resource-postgresql-v${version}`)),
        failedLately() {
            const stat = statSync(marker, { throwIfNoEntry: false });
            return stat !== undefined && Date.now() - stat.mtimeMs < DAY_MS;
        },
        download(version) {
            const args = ["plugin", "install", "resource", "postgresql", `v${version}`];
            return new Promise((resolve) => {
                const child = spawn(cli.command, args, {
                    env: {
                        ...process.env,
                        PULUMI_HOME: pulumiHome(),
                        PULUMI_SKIP_UPDATE_CHECK: "true",
                    },
                    stdio: "ignore",
                    timeout: DOWNLOAD_DEADLINE_MS,
                });
                child.once("error", () => {
                    resolve(false);
                });
                child.once("close", (code) => {
                    resolve(code === 0);
                });
            });
        },
        rememberFailure() {
            mkdirSync(cacheDir(), { recursive: true });
            writeFileSync(marker, "");
        },
    };
}
