import type { Client } from "pg";
import { Load } from "./load";
import { type Defer, note, type Part, runAlone } from "./part";
import { MemoryWatch } from "./processes";
import { goal, median, spread, table } from "./report";
import { benchServer } from "./servers";
import { readBenchSql } from "./sql";
import { type BenchTrail, benchTrail } from "./trail";

const RATES = [500, 2000] as const;
const GOAL_P99_MS = 500;
/** Memory that is bounded does not grow with the transaction; a garbage collector leaves some play. */
const GOAL_GROWTH = 1.25;

interface Lag {
    readonly offered: number;
    readonly changes: number;
    readonly p50: number;
    readonly p99: number;
    readonly worst: number;
}

/** How long a change takes into the log, how many the stand-in applies, and what a huge transaction needs. */
export const lag: Part = async ({ quick }, defer) => {
    const [rounds, measureMs, backlogMs, huge] = quick
        ? [1, 600, 1000, 10_000]
        : [3, 8000, 6000, 1_000_000];
    note("Lag: starting servers");
    const trail = await startTrail(defer);
    const load = new Load();
    defer(() => load.end());

    const lags = new Map<number, Lag[]>(RATES.map((rate) => [rate, []]));
    for (let round = 0; round < rounds; round += 1) {
        for (const rate of RATES) {
            note(`Lag at ${rate}/s: round ${round + 1} of ${rounds}`);
            lags.get(rate)?.push(await measureLag(trail, load, rate, measureMs));
        }
    }
    const throughput = await measureThroughput(trail, load, backlogMs);
    const quarter = await measureTransaction(trail, huge / 4, 0);
    const whole = await measureTransaction(trail, huge, -huge / 4);
    const growth = (whole.memory[0] ?? NaN) / (quarter.memory[0] ?? NaN);

    const column = (rate: number, key: keyof Lag): number[] =>
        (lags.get(rate) ?? []).map((one) => one[key]);
    const p99 = median(column(2000, "p99"));
    return [
        "## Lag",
        "",
        `From the source's commit to the commit in the log, of every change in the measured time, by both servers' own ` +
            `commit timestamps (same clock). 8 clients with random gaps, ${rounds} interleaved rounds of ` +
            `${measureMs / 1000} s, median (min-max). Clients, both servers and the stand-in share this machine's cores.`,
        "",
        table(
            ["offered/s", "arrived/s", "p50 ms", "p99 ms", "worst ms"],
            RATES.map((rate) => [
                String(rate),
                spread(column(rate, "changes").map((changes) => (changes / measureMs) * 1000)),
                spread(column(rate, "p50"), 1),
                spread(column(rate, "p99"), 1),
                spread(column(rate, "worst"), 1),
            ]),
        ),
        "",
        goal(
            `p99 at most ${GOAL_P99_MS} ms at 2000/s`,
            `${p99.toFixed(1)} ms`,
            p99 <= GOAL_P99_MS && median(column(2000, "changes")) >= 1.9 * measureMs,
        ),
        "",
        `The stand-in worked off a backlog of ${throughput.changes} transactions of one change each at ` +
            `${throughput.perSecond.toFixed(0)} changes/s.`,
        "",
        "One transaction of many changes, from its commit to the log, and the most memory at once that each process had to " +
            "itself (shared buffers not counted). The stand-in is started again before each.",
        "",
        table(
            ["changes", "s", "changes/s", ...PROCESSES.map((name) => `${name}, MB`)],
            [quarter, whole].map(({ changes, seconds, memory }) => [
                String(changes),
                seconds.toFixed(1),
                (changes / seconds).toFixed(0),
                ...memory.map((megabytes) => megabytes.toFixed(0)),
            ]),
        ),
        "",
        goal(
            `Four times the changes take at most ${GOAL_GROWTH} times the stand-in's memory`,
            growth.toFixed(2),
            growth <= GOAL_GROWTH,
        ),
    ].join("\n");
};

async function startTrail(defer: Defer): Promise<BenchTrail> {
    const source = await benchServer(defer, { wal_level: "logical" });
    const audit = await benchServer(defer, { track_commit_timestamp: "on" });
    const trail = await benchTrail(defer, source, audit);
    await trail.start();
    return trail;
}

async function measureLag(
    trail: BenchTrail,
    load: Load,
    rate: number,
    measureMs: number,
): Promise<Lag> {
    const { from, until, perSecond } = await load.run({
        database: trail.config,
        changesPerSecond: rate,
        warmUpMs: Math.min(1000, measureMs / 2),
        measureMs,
    });
    await trail.drained();
    const { rows } = await trail.audit.query<Omit<Lag, "offered">>(readBenchSql("lag.sql"), [
        from,
        until,
    ]);
    const [row] = rows;
    if (row === undefined || row.changes === 0) {
        throw new Error("None of the load's changes came into the log.");
    }
    return { offered: perSecond, ...row };
}

/** The rows of the log as of now are those up to this number. */
async function lastAuditId(trail: BenchTrail): Promise<string> {
    const { rows } = await trail.audit.query<{ last: string }>(
        "SELECT coalesce(max(audit_id), 0)::text AS last FROM public.items_audit_log",
    );
    return rows[0]?.last ?? "0";
}

async function measureThroughput(
    trail: BenchTrail,
    load: Load,
    backlogMs: number,
): Promise<{ changes: number; perSecond: number }> {
    note("Stand-in: working off a backlog");
    await trail.stop();
    const before = await lastAuditId(trail);
    await load.run({ database: trail.config, warmUpMs: 0, measureMs: backlogMs });
    await trail.start();
    await trail.drained();
    const { rows } = await trail.audit.query<{ changes: number; seconds: number }>(
        readBenchSql("applied.sql"),
        [before],
    );
    const { changes, seconds } = rows[0] ?? { changes: 0, seconds: NaN };
    return { changes, perSecond: changes / seconds };
}

interface Huge {
    readonly changes: number;
    readonly seconds: number;
    /** Of {@link PROCESSES}, in MB. */
    readonly memory: readonly number[];
}

const PROCESSES = ["stand-in", "source's walsender", "stand-in's session on the audit server"];

/** One transaction through a stand-in that has just started, so that its memory holds nothing from before. */
async function measureTransaction(
    trail: BenchTrail,
    changes: number,
    firstKey: number,
): Promise<Huge> {
    note(`Stand-in: one transaction of ${changes} changes`);
    await trail.stop();
    await trail.start();
    const watch = new MemoryWatch([
        trail.status().pid,
        await onePid(trail.source, "SELECT pid FROM pg_stat_replication"),
        await onePid(
            trail.audit,
            "SELECT pid FROM pg_stat_activity WHERE usename = 'audit_trail_dms_target' ORDER BY backend_start LIMIT 1",
        ),
    ]);
    await trail.source.query(
        "INSERT INTO items SELECT $1::integer - g, 'one of many', 1 FROM generate_series(1, $2::integer) AS g",
        [firstKey, changes],
    );
    const seconds = (await trail.drained()) / 1000;
    return { changes, seconds, memory: watch.end() };
}

async function onePid(client: Client, query: string): Promise<number> {
    const { rows } = await client.query<{ pid: number }>(query);
    return rows[0]?.pid ?? NaN;
}

runAlone(module, lag);
