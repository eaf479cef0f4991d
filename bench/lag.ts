import { Load } from "./load";
import { type Defer, note, type Part, runAlone } from "./part";
import { peakMemory, resetPeakMemory } from "./processes";
import { goal, median, spread, table } from "./report";
import { benchServer } from "./servers";
import { readBenchSql } from "./sql";
import { benchTrail, type BenchTrail } from "./trail";

const RATES = [500, 2000] as const;
const GOAL_P99_MS = 500;
const GOAL_MEMORY_MB = 150;

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
        ? [1, 1500, 1000, 30_000]
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
    const transaction = await measureTransaction(trail, huge);

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
        `A transaction of ${huge} changes, from its commit to the log: ${transaction.seconds.toFixed(1)} s ` +
            `(${(huge / transaction.seconds).toFixed(0)} changes/s). Most memory at once, before it and with it:`,
        "",
        table(
            ["process", "before, MB", "peak, MB"],
            transaction.memory.map(({ name, before, peak }) => [
                name,
                before.toFixed(0),
                peak.toFixed(0),
            ]),
        ),
        "",
        goal(
            `The stand-in needs at most ${GOAL_MEMORY_MB} MB more for it`,
            `${transaction.added.toFixed(0)} MB`,
            transaction.added <= GOAL_MEMORY_MB,
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

interface Memory {
    readonly name: string;
    readonly before: number;
    readonly peak: number;
}

async function measureTransaction(
    trail: BenchTrail,
    changes: number,
): Promise<{ seconds: number; memory: Memory[]; added: number }> {
    note(`Stand-in: one transaction of ${changes} changes`);
    const replicator = trail.status().pid;
    const { rows } = await trail.source.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_replication",
    );
    const { rows: sessions } = await trail.audit.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'dms_target' ORDER BY query ILIKE '%items_staging%' DESC, pid",
    );
    const processes = [
        { name: "stand-in", pid: replicator },
        { name: "source's walsender", pid: rows[0]?.pid ?? 0 },
        { name: "stand-in's session on the audit server", pid: sessions[0]?.pid ?? 0 },
    ].map((one) => {
        resetPeakMemory(one.pid);
        return { ...one, before: peakMemory(one.pid) };
    });
    await trail.source.query(
        "INSERT INTO items SELECT -g, 'one of many', 1 FROM generate_series(1, $1::integer) AS g",
        [changes],
    );
    const seconds = (await trail.drained()) / 1000;
    const memory = processes.map(({ name, pid, before }) => ({
        name,
        before,
        peak: peakMemory(pid),
    }));
    const [standIn] = memory;
    return { seconds, memory, added: (standIn?.peak ?? NaN) - (standIn?.before ?? NaN) };
}

runAlone(module, lag);
