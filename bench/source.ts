import type { Client, ClientConfig } from "pg";

import { Child } from "./children";
import { percentile } from "./latency";
import { Load, type RunResult } from "./load";
import { type Defer, note, type Part, runAlone } from "./part";
import { serverCpu, type ServerCpu } from "./processes";
import { median } from "./report";
import { benchServer, sourceDatabase } from "./servers";
import { column, type Durations, type Run, report } from "./sourceReport";
import { readBenchSql } from "./sql";
import { benchTrail, type BenchTrail } from "./trail";
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

const FULL: Durations = { saturated: 3, half: 4, warmUpMs: 700, measureMs: 3500 };
const QUICK: Durations = { saturated: 1, half: 1, warmUpMs: 200, measureMs: 600 };

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
    return report(
        variants.map(({ name }) => name),
        saturated,
        half,
        unaudited,
        durations,
    );
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

/** Runs all variants in turn, each round in another order; the result is by variant, then by round. */
async function rounds(
    variants: readonly Variant[],
    load: Load,
    durations: Durations,
    rate: number | undefined,
): Promise<Run[][]> {
    const count = rate === undefined ? durations.saturated : durations.half;
    const runs: Run[][] = variants.map(() => []);
    for (let round = 0; round < count; round += 1) {
        const pace = rate === undefined ? "as fast as it goes" : `${rate.toFixed(0)}/s`;
        note(`Source side, ${pace}: round ${round + 1} of ${count}`);
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

runAlone(module, source);
