import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import * as readline from "node:readline";
import { ownEnvironment } from "../environment";
import { PROJECT_ROOT } from "./paths";

const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** How often the progress of the build is reported, in milliseconds. */
const REPORT_EVERY_MS = 10_000;

/** Runs Go in the folder of the pinned module set; resolves with its standard output, fails with its last line. */
async function go(args: readonly string[], onErrorLine?: (line: string) => void): Promise<string> {
    const child: ChildProcess = spawn("go", args, {
        cwd: path.join(PROJECT_ROOT, "local", "engine", "pulumi-cli"),
        env: ownEnvironment(process.env),
        stdio: ["ignore", "pipe", "pipe"],
    });
    const stop = (): void => void child.kill("SIGTERM");
    process.once("exit", stop);
    let output = "";
    let lastLine = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    if (child.stderr) {
        readline.createInterface({ input: child.stderr }).on("line", (line) => {
            lastLine = line;
            onErrorLine?.(line);
        });
    }
    try {
        await new Promise<void>((resolve, reject) => {
            child.once("error", (error) => {
                reject(new Error(`Go is not installed or cannot be started (${error.message})`));
            });
            child.once("close", (code) => {
                if (code === 0) {
                    resolve();
                } else {
                    reject(
                        new Error(`go ${args[0] ?? ""} ended with ${String(code)}: ${lastLine}`),
                    );
                }
            });
        });
    } finally {
        process.removeListener("exit", stop);
    }
    return output;
}

/**
 * Builds the Pulumi CLI from the Go modules that local/engine/pulumi-cli/ pins, into `<root>/bin/pulumi`. Takes about four
 * minutes on two cores the first time and reports how far it is.
 */
export async function buildCli(
    root: string,
    version: string,
    say: (line: string) => void,
): Promise<void> {
    say(`Building the Pulumi CLI ${version} from Go modules: about 4 minutes on 2 cores, once.`);
    const started = Date.now();
    const packages = (await go(["list", "-deps", PACKAGE])).split("\n").length;
    let compiled = 0;
    const report = setInterval(() => {
        const seconds = Math.round((Date.now() - started) / 1000);
        say(
            `  ${String(seconds)} s: ${String(compiled)} of at most ${String(packages)} packages compiled`,
        );
    }, REPORT_EVERY_MS);
    try {
        const symbol = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
        const binary = path.join(root, "bin", "pulumi");
        // The linker drops what debuggers need, so the compiler need not write it; that spares a tenth of the time.
        const lean = ["-gcflags", "all=-dwarf=false"];
        const linking = ["-ldflags", `-s -w -X ${symbol}=v${version}`, "-o", binary];
        await go(["build", "-v", ...lean, ...linking, PACKAGE], () => (compiled += 1));
    } finally {
        clearInterval(report);
    }
}
