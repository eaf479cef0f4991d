import type { Client, ClientConfig } from "pg";
import { Child } from "./children";
import { percentile } from "./latency";
import { Load, type RunResult } from "./load";
import { type Defer, note, type Part, runAlone } from "./part";
import { favour, serverProcesses } from "./priority";
import { type ServerCpu, serverCpu } from "./processes";
import { median } from "./report";
import { benchServer, sourceDatabase } from "./servers";
import { column, type Durations, report, type Run, type WorkloadRuns } from "./sourceReport";
import { readBenchSql } from "./sql";
import { type BenchTrail, benchTrail } from "./trail";
import type { ReadReply, ReadRequest } from "./walReader";

/** One way to run the source. */
interface Variant {
    readonly name: string;
    readonly config: ClientConfig;
    /** A session in the variant's database. */
    readonly client: Client;
    readonly identity: "DEFAULT" | "FULL";
    readonly trail?: BenchTrail;
}

const FULL: Durations = { saturated: 3, half: 9, warmUpMs: 700, measureMs: 3500 };
const QUICK: Durations = { saturated: 1, half: 1, warmUpMs: 100, measureMs: 250 };

/** Both are measured, because the WAL's reader has a cost for each transaction beside the cost for each row. */
const CHANGES_PER_TRANSACTION = [1, 10] as const;

/** What the trail costs the source, against no audit and against the cheapest trigger. */
export const source: Part = async (options, defer) => {
    const durations = options.quick ? QUICK : FULL;
    note("Source side: starting servers");
    const variants = await prepare(defer);
    const load = new Load();
    defer(() => load.end());
    const measured = (pace: Pace): Promise<Run[][]> => rounds(variants, load, durations, pace);

    const saturated: Run[][][] = [];
    for (const changesPerTransaction of CHANGES_PER_TRANSACTION) {
        saturated.push(await measured({ changesPerTransaction }));
    }
    const favoured = await favourSources(variants, load);
    const workloads: WorkloadRuns[] = [];
    for (const [index, changesPerTransaction] of CHANGES_PER_TRANSACTION.entries()) {
        const unpaced = saturated[index] ?? [];
        const changesPerSecond = median(column(unpaced, 0, "perSecond")) / 2;
        workloads.push({
            changesPerTransaction,
            changesPerSecond,
            saturated: unpaced,
            half: await measured({ changesPerTransaction, changesPerSecond }),
        });
    }
    return report(
        variants.map(({ name }) => name),
        workloads,
        durations,
        favoured,
    );
};

/**
 * At half load the question is how long an application waits. On AWS, neither its clients nor DMS nor the audit cluster
 * run on the source, so that here the sources and the clients go before the others.
 */
async function favourSources(variants: readonly Variant[], load: Load): Promise<boolean> {
    const pids = [...load.pids];
    for (const { client } of variants) {
        pids.push(...(await serverProcesses(client)));
    }
    return await favour([...new Set(pids)]);
}

async function prepare(defer: Defer): Promise<Variant[]> {
    const replica = await benchServer(defer, { wal_level: "replica" });
    const logical = await benchServer(defer, { wal_level: "logical" });
    const captured = await benchServer(defer, { wal_level: "logical" });
    const audit = await benchServer(defer, { wal_level: "replica" });
    const none = await sourceDatabase(defer, replica, "unaudited");
    const again = await sourceDatabase(defer, replica, "unaudited_again");
    const trigger = await sourceDatabase(defer, replica, "minimal_trigger");
    await trigger.client.query(readBenchSql("minimal_trigger.sql"));
    const plain = await sourceDatabase(defer, logical, "logical");
    const trail = await benchTrail(defer, captured, audit);
    await trail.start();
    const { config, source: client } = trail;
    return [
        { name: "no audit, wal_level=replica", ...none, identity: "DEFAULT" },
        { name: "the same again, to show the noise", ...again, identity: "DEFAULT" },
        { name: "minimal trigger, wal_level=replica", ...trigger, identity: "DEFAULT" },
        { name: "wal_level=logical", ...plain, identity: "DEFAULT" },
        { name: "wal_level=logical, identity FULL", ...plain, identity: "FULL" },
        {
            name: "WAL decoded and sent, not applied",
            ...(await readSource(defer)),
            identity: "DEFAULT",
        },
        { name: "this trail", config, client, identity: "DEFAULT", trail },
        { name: "this trail, identity FULL", config, client, identity: "FULL", trail },
    ];
}

/** A source whose changes are read from a slot and thrown away: what of the trail is on the source on AWS. */
async function readSource(
    defer: Defer,
): Promise<{ readonly config: ClientConfig; readonly client: Client }> {
    const server = await benchServer(defer, { wal_level: "logical" });
    const database = await sourceDatabase(defer, server, "read");
    const slot = "read_and_forgotten";
    await database.client.query("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [
        slot,
    ]);
    const reader = new Child<ReadRequest, ReadReply>("walReader.ts");
    defer(() => reader.end());
    const { error } = await reader.ask({ database: database.config, slot });
    if (error !== undefined) {
        throw new Error(`The slot's reader failed: ${error}`);
    }
    return database;
}

/** What the clients send, and how fast; without a rate as fast as it goes. */
interface Pace {
    readonly changesPerTransaction: number;
    readonly changesPerSecond?: number;
}

/** Runs all variants in turn, each round in another order; the result is by variant, then by round. */
async function rounds(
    variants: readonly Variant[],
    load: Load,
    durations: Durations,
    pace: Pace,
): Promise<Run[][]> {
    const rate = pace.changesPerSecond;
    const count = rate === undefined ? durations.saturated : durations.half;
    const runs: Run[][] = variants.map(() => []);
    for (let round = 0; round < count; round += 1) {
        const speed = rate === undefined ? "as fast as it goes" : `${rate.toFixed(0)}/s`;
        note(
            `Source side, ${pace.changesPerTransaction} per transaction, ${speed}: round ${round + 1} of ${count}`,
        );
        for (let turn = 0; turn < variants.length; turn += 1) {
            const index = (turn + round) % variants.length;
            const variant = variants[index];
            if (variant !== undefined) {
                runs[index]?.push(await measure(variant, load, durations, pace));
            }
        }
    }
    return runs;
}

async function measure(
    variant: Variant,
    load: Load,
    { warmUpMs, measureMs }: Durations,
    pace: Pace,
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
        ...pace,
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

runAlone(module, source);
