import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { PROJECT_ROOT } from "../local/engine/paths";
import { localStackPlace } from "../local/engine/workspace";
import { commitToLog, percentile } from "./latency";
import { npmCommand, type StackFolders } from "./npmCommand";
import { type Defer, note, type Part, runAlone } from "./part";
import { table } from "./report";

/** What one number of tables takes; seconds, and milliseconds of lag. */
interface Figures {
    readonly up: number;
    readonly unchanged: number;
    readonly preview: number;
    readonly p50: number;
    readonly p99: number;
}

/** Preview, up and lag of the whole laptop stack, with one table and with many. */
export const tables: Part = async ({ quick }, defer) => {
    const many = quick ? 5 : 200;
    const title = "## Number of tables";
    const settingsDir = path.join(PROJECT_ROOT, `.local-bench-tables-${process.pid}`, "settings");
    if (!readsSettingsFrom(settingsDir)) {
        return `${title}\n\nSkipped: the commands do not read AUDIT_TRAIL_LOCAL_SETTINGS.`;
    }
    const stack = await openStack(defer, settingsDir);
    const names = Array.from({ length: many - 1 }, (_, index) => `extra${index + 1}`);

    note("Tables: npm start with 1");
    await writeSettings(settingsDir, []);
    const one = await measure(stack);
    await withSource(stack, async (source) => {
        for (const name of names) {
            await source.query(
                `CREATE TABLE public.${source.escapeIdentifier(name)} (LIKE public.items INCLUDING ALL)`,
            );
        }
    });
    note(`Tables: npm start with ${many}`);
    await writeSettings(settingsDir, names);
    const all = await measure(stack);

    const row = (label: string, { up, unchanged, preview, p50, p99 }: Figures): string[] => [
        label,
        up.toFixed(1),
        unchanged.toFixed(1),
        preview.toFixed(1),
        p50.toFixed(0),
        p99.toFixed(0),
    ];
    return [
        title,
        "",
        "The laptop stack through the npm commands, policies and walk-through included; one run each. Lag: one change at " +
            "a time, from the return of COMMIT until another session sees it in the log, of 100 changes.",
        "",
        table(
            [
                "tables",
                "npm start, s",
                "npm start without a change, s",
                "npm run preview, s",
                "lag p50 ms",
                "lag p99 ms",
            ],
            [row("1, from nothing", one), row(`${many}, from 1`, all)],
        ),
    ].join("\n");
};

/** Whether the laptop stack's settings folder can be chosen; asked of the code that opens the stack. */
function readsSettingsFrom(settingsDir: string): boolean {
    const before = process.env.AUDIT_TRAIL_LOCAL_SETTINGS;
    process.env.AUDIT_TRAIL_LOCAL_SETTINGS = settingsDir;
    try {
        return localStackPlace().settingsDir === settingsDir;
    } finally {
        if (before === undefined) {
            delete process.env.AUDIT_TRAIL_LOCAL_SETTINGS;
        } else {
            process.env.AUDIT_TRAIL_LOCAL_SETTINGS = before;
        }
    }
}

async function openStack(defer: Defer, settingsDir: string): Promise<StackFolders> {
    const folder = path.dirname(settingsDir);
    const stack = { localDir: path.join(folder, "stack"), settingsDir };
    await mkdir(settingsDir, { recursive: true, mode: 0o700 });
    defer(() => rm(folder, { recursive: true, force: true }));
    defer(() => npmCommand("stop", stack));
    return stack;
}

/** The laptop stack's settings with more tables; JSON, which is YAML too. */
async function writeSettings(settingsDir: string, names: readonly string[]): Promise<void> {
    const settings = {
        config: {
            "aws:region": "us-east-1",
            "audit-trail:tables": ["public.items", ...names.map((name) => `public.${name}`)],
            "audit-trail:demoTable": "true",
            "audit-trail:deletionProtection": "false",
            "audit-trail:sshCidr": "127.0.0.1/32",
        },
    };
    await writeFile(
        path.join(settingsDir, "Pulumi.local.yaml"),
        JSON.stringify(settings, undefined, 4),
    );
}

async function measure(stack: StackFolders): Promise<Figures> {
    const up = await npmCommand("start", stack);
    const unchanged = await npmCommand("start", stack);
    const preview = await npmCommand("preview", stack);
    const latencies = await withSource(stack, (source, audit) => commitToLog(source, audit, 100));
    return {
        up: up.seconds,
        unchanged: unchanged.seconds,
        preview: preview.seconds,
        p50: percentile(latencies, 0.5),
        p99: percentile(latencies, 0.99),
    };
}

async function withSource<T>(
    stack: StackFolders,
    work: (source: Client, audit: Client) => Promise<T>,
): Promise<T> {
    const { output } = await npmCommand("outputs", stack);
    const urls = JSON.parse(output) as { sourceUrl: string; auditUrl: string };
    const source = new Client({ connectionString: urls.sourceUrl });
    const audit = new Client({ connectionString: urls.auditUrl });
    await Promise.all([source.connect(), audit.connect()]);
    try {
        return await work(source, audit);
    } finally {
        await Promise.all([source.end(), audit.end()]);
    }
}

runAlone(module, tables);
