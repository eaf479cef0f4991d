import { spawn } from "node:child_process";
import { promises } from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { failureText } from "../commands/shared/failureText";
import { commitToLog, percentile } from "./latency";

const ROOT = path.resolve(__dirname, "..");

/** The goals of the laptop stack on 2 cores, with the CLI and node_modules present. */
const GOALS = { start: 30_000, update: 10_000, preview: 8_000, latencyMedian: 250 };

/** Runs one of the project's commands in a local stack of the benchmark's own; resolves with its output. */
async function run(script: string, localDir: string, ...args: string[]): Promise<string> {
    const child = spawn("npm", ["run", "-s", script, "--", ...args], {
        cwd: ROOT,
        env: { ...process.env, AUDIT_TRAIL_LOCAL_DIR: localDir },
        stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code !== 0) {
        throw new Error(`npm run ${script} ended with ${String(code)}:\n${output}`);
    }
    return output;
}

async function timed(what: string, goal: number, work: () => Promise<unknown>): Promise<void> {
    const started = performance.now();
    await work();
    const took = performance.now() - started;
    report(what, took, goal);
}

function report(what: string, took: number, goal: number): void {
    const verdict = took <= goal ? "ok" : "MISSED";
    console.log(
        `${what.padEnd(44)} ${took.toFixed(0).padStart(7)} ms   goal ${String(goal)} ms   ${verdict}`,
    );
}

async function main(): Promise<void> {
    const localDir = path.join(ROOT, `.local-bench-${String(process.pid)}`);
    try {
        await timed("npm start, from nothing to the printed log", GOALS.start, () =>
            run("start", localDir),
        );
        await timed("npm start, no change", GOALS.update, () => run("start", localDir));
        await timed("npm run preview, with policies", GOALS.preview, () =>
            run("preview", localDir),
        );
        await timed("npm run preview -- --stack dev", GOALS.preview, () =>
            run("preview", localDir, "--stack", "dev"),
        );
        const urls = JSON.parse(await run("outputs", localDir)) as {
            sourceUrl: string;
            auditUrl: string;
        };
        const source = new Client({ connectionString: urls.sourceUrl });
        const audit = new Client({ connectionString: urls.auditUrl });
        await Promise.all([source.connect(), audit.connect()]);
        try {
            const latencies = await commitToLog(source, audit, 200);
            report("commit to log, median of 200", percentile(latencies, 0.5), GOALS.latencyMedian);
            report("commit to log, 99 % of 200", percentile(latencies, 0.99), GOALS.latencyMedian);
        } finally {
            await Promise.all([source.end(), audit.end()]);
        }
    } finally {
        await run("stop", localDir);
        await promises.rm(localDir, { recursive: true, force: true });
    }
}

void main().catch((error: unknown) => {
    console.error(failureText(error));
    process.exitCode = 1;
});
