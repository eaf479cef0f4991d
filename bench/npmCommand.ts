import { spawn } from "node:child_process";
import { PROJECT_ROOT } from "../local/engine/paths";

/** Where a laptop stack of the benchmark's own has its files, and where its settings are read from. */
export interface StackFolders {
    readonly localDir: string;
    readonly settingsDir: string;
}

/** Runs one of the project's commands; resolves with what it printed and the seconds it took. */
export async function npmCommand(
    script: "start" | "stop" | "preview" | "outputs",
    { localDir, settingsDir }: StackFolders,
): Promise<{ readonly output: string; readonly seconds: number }> {
    const started = performance.now();
    const child = spawn("npm", ["run", "-s", script], {
        cwd: PROJECT_ROOT,
        env: {
            ...process.env,
            AUDIT_TRAIL_LOCAL_DIR: localDir,
            AUDIT_TRAIL_LOCAL_SETTINGS: settingsDir,
        },
        stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", resolve);
    });
    if (code !== 0) {
        throw new Error(`npm run ${script} ended with ${String(code)}:\n${output}`);
    }
    return { output, seconds: (performance.now() - started) / 1000 };
}
