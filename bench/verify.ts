import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { World } from "../testing/verifiedTrail";
import { verifyTrail } from "../verify/verifyTrail";
import { percentile } from "./latency";
import { note, type Part, runAlone } from "./part";
import { cpuSeconds } from "./processes";
import { randomSource } from "./random";
import { goal, table } from "./report";

const ITEMS = { schema: "public", table: "items" };

/** A writer that waits longer than this behind the verification is blocked by it. */
const LOCK_TIMEOUT_MS = 5;
const WRITE_EVERY_MS = 5;

interface Writes {
    readonly latencies: readonly number[];
    /** Statements that waited for a lock. */
    readonly blocked: number;
}

/** How long a verification takes, what it costs the source, and what a writer notices of it. */
export const verify: Part = async ({ quick }, defer) => {
    const rows = quick ? 20_000 : 1_000_000;
    note(`Verify: loading ${rows} rows`);
    const started = performance.now();
    const world = await World.open(
        `CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10, 2) NOT NULL);
         INSERT INTO items SELECT g, 'item ' || g, g % 1000 FROM generate_series(1, ${rows}) AS g;
         ANALYZE items`,
        [ITEMS],
        { shared_buffers: "512MB", max_wal_size: "8GB", autovacuum: "off" },
    );
    defer(() => world.close());
    note(`Verify: loaded in ${Math.round((performance.now() - started) / 1000)} s`);
    await world.trail.superuser.query("ANALYZE items_staging, items_audit_log, audit_trail.gap");

    const quiet = await measure(world);
    const alone = await writeFor(await world.session(), rows, pause(quick ? 1000 : 5000));
    let busy: Run | undefined;
    const run = async (): Promise<void> => {
        busy = await measure(world);
    };
    const beside = await writeFor(await world.session(), rows, run());
    if (busy === undefined) {
        throw new Error("The verification under load did not end.");
    }
    const line = (name: string, { seconds, sourceCpu, auditCpu }: Run): string[] => [
        name,
        seconds.toFixed(1),
        sourceCpu.toFixed(2),
        auditCpu.toFixed(2),
    ];
    const latency = (name: string, { latencies, blocked }: Writes): string[] => [
        name,
        String(latencies.length),
        percentile(latencies, 0.5).toFixed(2),
        percentile(latencies, 0.99).toFixed(2),
        percentile(latencies, 1).toFixed(1),
        String(blocked),
    ];
    return [
        "## Verify",
        "",
        `${rows} rows in one table, chunks of 50,000; source, audit side, stand-in and verification share this machine's cores. ` +
            `A writer updates one row, then pauses for ${WRITE_EVERY_MS} ms; it shares its Node.js process with the verification, whose ` +
            `own work shows in the writer's times. A wait for a lock of more than ${LOCK_TIMEOUT_MS} ms would be an error of the writer's.`,
        "",
        table(
            [
                "verification",
                "seconds",
                "CPU s of its source session",
                "CPU s of its audit session",
            ],
            [line("nobody writes", quiet), line("beside the writer", busy)],
        ),
        "",
        table(
            ["writer", "updates", "p50 ms", "p99 ms", "worst ms", "waited for a lock"],
            [latency("alone", alone), latency("beside the verification", beside)],
        ),
        "",
        goal("no writer waits for a lock", `${beside.blocked} did`, beside.blocked === 0),
        goal("complete, with no false alarm", busy.complete ? "yes" : "no", busy.complete),
    ].join("\n");
};

interface Run {
    readonly seconds: number;
    readonly sourceCpu: number;
    readonly auditCpu: number;
    readonly complete: boolean;
}

async function measure(world: World): Promise<Run> {
    const [source, audit] = [await world.session(), world.trail.master];
    const pids = [await pidOf(source), await pidOf(audit)] as const;
    const [sourceBefore, auditBefore] = pids.map(cpuSeconds);
    const started = performance.now();
    const report = await verifyTrail(source, audit, world.definitions);
    const seconds = (performance.now() - started) / 1000;
    if (!report.complete) {
        note(JSON.stringify(report, null, 2));
    }
    return {
        seconds,
        sourceCpu: cpuSeconds(pids[0]) - (sourceBefore ?? NaN),
        auditCpu: cpuSeconds(pids[1]) - (auditBefore ?? NaN),
        complete: report.complete,
    };
}

async function pidOf(client: Client): Promise<number> {
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    return rows[0]?.pid ?? NaN;
}

/** Updates single rows, all over the table, until `end` resolves; latencies in milliseconds, sorted. */
async function writeFor(client: Client, rows: number, end: Promise<void>): Promise<Writes> {
    let isOver = false;
    const ended = end.finally(() => {
        isOver = true;
    });
    const latencies: number[] = [];
    let blocked = 0;
    const random = randomSource(1);
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const isRunning = (): boolean => !isOver;
    while (isRunning()) {
        const started = performance.now();
        try {
            await client.query("UPDATE items SET price = price + 1 WHERE item_id = $1", [
                1 + Math.floor(random() * rows),
            ]);
        } catch (error) {
            if (!String(error).includes("lock timeout")) {
                throw error;
            }
            blocked += 1;
        }
        latencies.push(performance.now() - started);
        await pause(WRITE_EVERY_MS);
    }
    await ended;
    return { latencies: latencies.sort((a, b) => a - b), blocked };
}

runAlone(module, verify);
