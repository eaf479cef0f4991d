import type { Client, ClientConfig } from "pg";

import { percentile } from "./latency";
import { Load, type RunResult } from "./load";
import { type Defer, note, type Part, type PartOptions, runAlone } from "./part";
import { serverCpu, type ServerCpu } from "./processes";
import { goal, median, roundRatios, spread, table } from "./report";
import { benchServer, sourceDatabase } from "./servers";
import { readBenchSql } from "./sql";
import { benchTrail, type BenchTrail } from "./trail";

/** One way to run the source. */
interface Variant {
    readonly name: string;
    readonly config: ClientConfig;
    /** A session in the variant's database. */
    readonly client: Client;
    readonly identity: "DEFAULT" | "FULL";
    readonly trail?: BenchTrail;
}

/** What one run of one variant showed. CPU in microseconds and WAL in bytes, per change. */
interface Run {
    readonly perSecond: number;
    readonly p50: number;
    readonly p95: number;
    readonly backends: number;
    readonly walsender: number;
    readonly background: number;
    readonly wal: number;
    /** Bytes of WAL not in the log at the end of the run, and milliseconds until they were. */
    readonly backlog: number;
    readonly drain: number;
}

interface Durations {
    readonly rounds: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
}

const FULL: Durations = { rounds: 4, warmUpMs: 700, measureMs: 3500 };
const QUICK: Durations = { rounds: 1, warmUpMs: 200, measureMs: 600 };

/** What the trail costs the source, against no audit and against the cheapest trigger. */
export const source: Part = async (options, defer) => {
    const durations = options.quick ? QUICK : FULL;
    note("Source side: starting servers");
    const variants = await prepare(defer);
    const load = new Load();
    defer(() => load.end());

    const saturated = await rounds(variants, load, durations, undefined);
    const unaudited = median(column(saturated, 0, "perSecond"));
    const half = await rounds(variants, load, durations, unaudited / 2);
    return report(variants, saturated, half, unaudited, durations);
};

async function prepare(defer: Defer): Promise<Variant[]> {
    const replica = await benchServer(defer, { wal_level: "replica" });
    const logical = await benchServer(defer, { wal_level: "logical" });
    const captured = await benchServer(defer, { wal_level: "logical" });
    const audit = await benchServer(defer, { wal_level: "replica" });
    const none = await sourceDatabase(defer, replica, "unaudited");
    const trigger = await sourceDatabase(defer, replica, "minimal_trigger");
    await trigger.client.query(readBenchSql("minimal_trigger.sql"));
    const plain = await sourceDatabase(defer, logical, "logical");
    const trail = await benchTrail(defer, captured, audit);
    await trail.start();
    const { config, source: client } = trail;
    return [
        { name: "no audit, wal_level=replica", ...none, identity: "DEFAULT" },
        { name: "minimal trigger, wal_level=replica", ...trigger, identity: "DEFAULT" },
        { name: "wal_level=logical", ...plain, identity: "DEFAULT" },
        { name: "wal_level=logical, identity FULL", ...plain, identity: "FULL" },
        { name: "this trail", config, client, identity: "DEFAULT", trail },
        { name: "this trail, identity FULL", config, client, identity: "FULL", trail },
    ];
}

/** Runs all variants in turn, each round in another order; the result is by variant, then by round. */
async function rounds(
    variants: readonly Variant[],
    load: Load,
    durations: Durations,
    rate: number | undefined,
): Promise<Run[][]> {
    const runs: Run[][] = variants.map(() => []);
    for (let round = 0; round < durations.rounds; round += 1) {
        const pace = rate === undefined ? "as fast as it goes" : `${rate.toFixed(0)}/s`;
        note(`Source side, ${pace}: round ${round + 1} of ${durations.rounds}`);
        for (let turn = 0; turn < variants.length; turn += 1) {
            const index = (turn + round) % variants.length;
            const variant = variants[index];
            if (variant !== undefined) {
                runs[index]?.push(await measure(variant, load, durations, rate));
            }
        }
    }
    return runs;
}

async function measure(
    variant: Variant,
    load: Load,
    { warmUpMs, measureMs }: Durations,
    rate: number | undefined,
): Promise<Run> {
    const { client, config, trail } = variant;
    await client.query(`ALTER TABLE items REPLICA IDENTITY ${variant.identity}`);
    await client.query("VACUUM items");
    await trail?.drained();
    const marks: Mark[] = [];
    const take = async (): Promise<void> => {
        marks.push(await mark(client));
    };
    let backlog = NaN;
    const result = await load.run({
        database: config,
        ...(rate === undefined ? {} : { changesPerSecond: rate }),
        warmUpMs,
        measureMs,
        atStart: take,
        atEnd: async () => {
            await take();
            backlog = (await trail?.backlog()) ?? NaN;
        },
    });
    const drain = (await trail?.drained()) ?? NaN;
    return { ...perChange(result, marks), backlog, drain };
}

interface Mark {
    readonly cpu: ServerCpu;
    readonly wal: number;
}

async function mark(client: Client): Promise<Mark> {
    const cpu = await serverCpu(client);
    const { rows } = await client.query<{ wal: number }>(
        "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS wal",
    );
    return { cpu, wal: rows[0]?.wal ?? NaN };
}

function perChange(result: RunResult, marks: readonly Mark[]): Omit<Run, "backlog" | "drain"> {
    const [before, after] = marks;
    const cpu = (kind: keyof ServerCpu): number =>
        (((after?.cpu[kind] ?? NaN) - (before?.cpu[kind] ?? NaN)) * 1e6) / result.changes;
    return {
        perSecond: result.perSecond,
        p50: percentile(result.latencies, 0.5),
        p95: percentile(result.latencies, 0.95),
        backends: cpu("backends"),
        walsender: cpu("walsender"),
        background: cpu("background"),
        wal: ((after?.wal ?? NaN) - (before?.wal ?? NaN)) / result.changes,
    };
}

function column(runs: readonly (readonly Run[])[], variant: number, key: keyof Run): number[] {
    return (runs[variant] ?? []).map((run) => run[key]);
}

function report(
    variants: readonly Variant[],
    saturated: readonly (readonly Run[])[],
    half: readonly (readonly Run[])[],
    unaudited: number,
    { rounds, measureMs }: Durations,
): string {
    const saturation = variants.map(({ name }, index) => {
        const tps = column(saturated, index, "perSecond");
        return [
            name,
            spread(tps),
            spread(roundRatios(tps, column(saturated, 0, "perSecond")), 2),
            spread(column(saturated, index, "backends"), 1),
            spread(column(saturated, index, "walsender"), 1),
            spread(column(saturated, index, "wal")),
            spread(column(saturated, index, "backlog").map((bytes) => bytes / 2 ** 20), 1),
            spread(column(saturated, index, "drain").map((ms) => ms / 1000), 1),
        ];
    });
    const halfLoad = variants.map(({ name }, index) => {
        const [p50, p95] = [column(half, index, "p50"), column(half, index, "p95")];
        return [
            name,
            spread(column(half, index, "perSecond")),
            spread(p50, 3),
            spread(roundRatios(p50, column(half, 0, "p50")), 2),
            spread(p95, 3),
            spread(roundRatios(p95, column(half, 0, "p95")), 2),
            spread(column(half, index, "backends"), 1),
            spread(column(half, index, "walsender"), 1),
            spread(column(half, index, "background"), 1),
            spread(column(half, index, "wal")),
        ];
    });
    return [
        "## Source side",
        "",
        `Update 70 %, insert 20 %, delete 10 %, one row per transaction, 8 clients, prepared statements, ` +
            `${rounds} interleaved rounds of ${measureMs / 1000} s, median (min-max). Clients, source, stand-in and ` +
            "audit server share this machine's cores. Ratios are to \"no audit\" in the same round.",
        "",
        "As fast as it goes:",
        "",
        table(
            [
                "variant",
                "changes/s",
                "ratio",
                "backends µs/change",
                "walsender µs/change",
                "WAL B/change",
                "not yet logged at the end, MB of WAL",
                "s until logged",
            ],
            saturation,
        ),
        "",
        `At ${(unaudited / 2).toFixed(0)} changes/s, half of the unaudited rate, random gaps:`,
        "",
        table(
            [
                "variant",
                "changes/s",
                "p50 ms",
                "ratio",
                "p95 ms",
                "ratio",
                "backends µs/change",
                "walsender µs/change",
                "background µs/change",
                "WAL B/change",
            ],
            halfLoad,
        ),
        "",
        ...goals(saturated, half),
    ].join("\n");
}

/** The variants' places in the list. */
const [NONE, TRIGGER, TRAIL] = [0, 1, 4];

function goals(
    saturated: readonly (readonly Run[])[],
    half: readonly (readonly Run[])[],
): string[] {
    const ratio = (key: "p50" | "p95"): number =>
        median(roundRatios(column(half, TRAIL, key), column(half, NONE, key)));
    const onSource = (variant: number): number[] =>
        (half[variant] ?? []).map((run) => run.backends + run.walsender);
    const addedCpu = shareAdded(onSource(TRAIL), onSource(TRIGGER), onSource(NONE));
    const addedWal = shareAdded(
        column(half, TRAIL, "wal"),
        column(half, TRIGGER, "wal"),
        column(half, NONE, "wal"),
    );
    const tps = (variant: number): number[] => column(saturated, variant, "perSecond");
    const lost = (variant: number): string => {
        const share = (1 - median(roundRatios(tps(variant), tps(NONE)))) * 100;
        return `${share.toFixed(0)} %`;
    };
    const percent = (value: number): string => `${((value - 1) * 100).toFixed(1)} %`;
    return [
        goal(
            "Half load, p50 within 3 % of no audit",
            percent(ratio("p50")),
            ratio("p50") <= 1.03,
        ),
        goal(
            "Half load, p95 within 3 % of no audit",
            percent(ratio("p95")),
            ratio("p95") <= 1.03,
        ),
        goal(
            "Half load, source CPU added per change (backends and walsender), at most 0.5 of the minimal trigger's",
            addedCpu.toFixed(2),
            addedCpu <= 0.5,
        ),
        goal(
            "Half load, WAL added per change, at most 0.25 of the minimal trigger's",
            addedWal.toFixed(2),
            addedWal <= 0.25,
        ),
        "",
        `Lost at saturation, where everything shares the cores: ${lost(TRAIL)} of the unaudited rate with this trail ` +
            `and its stand-in, ${lost(TRIGGER)} with the minimal trigger. On AWS neither DMS nor the audit cluster runs ` +
            "on the source; of the trail only the walsender does.",
    ];
}

/** What one variant adds to the base, as a share of what another adds; the median over the rounds. */
function shareAdded(
    some: readonly number[],
    other: readonly number[],
    base: readonly number[],
): number {
    const added = (values: readonly number[]): number[] =>
        values.map((value, round) => value - (base[round] ?? NaN));
    return median(added(some)) / median(added(other));
}

runAlone(module, source);
