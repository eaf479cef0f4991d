import type { Client } from "pg";
import { ITEMS, run } from "../testing/trailDatabase";
import { guardFiles, markerFiles, type TableGuards } from "../trail/guards";
import type { TableDefinition } from "../trail/tableDefinition";
import { KEYS } from "./load";
import { note, type Part, runAlone } from "./part";
import { roundRatios, spread, table } from "./report";
import { benchServer, sourceDatabase } from "./servers";
import { readBenchSql } from "./sql";

/** What is measured, by the name of its file in bench/sql: each resolves to the microseconds of one step. */
const WORK = {
    "guarded_statements.sql": "one statement for each row",
    "guarded_rows.sql": "one statement for many rows",
} as const;

const KINDS = ["insert", "update", "delete"] as const;

const BOTH: TableGuards = { truncate: "refuse", keyUpdate: "refuse" };

/** What the guards of an audited table cost an INSERT, an UPDATE and a DELETE at the source. */
export const guards: Part = async ({ quick }, defer) => {
    const [rounds, steps] = quick ? [3, 2000] : [15, 20_000];
    note("Guards: starting a server");
    const server = await benchServer(defer, { wal_level: "logical" });
    const { client } = await sourceDatabase(defer, server, "guarded");
    await client.query("CREATE SCHEMA audit_trail; SET synchronous_commit = off");
    await run(client, markerFiles());
    const tables: TableDefinition[] = [];
    for (const name of ["bare", "guarded"]) {
        await client.query(`CREATE TABLE ${name} (LIKE items INCLUDING ALL)`);
        await client.query(`INSERT INTO ${name} SELECT * FROM items`);
        const definition = { ...ITEMS, table: name };
        tables.push(definition);
        await run(client, guardFiles(definition, name === "guarded" ? BOTH : undefined, false));
    }
    await client.query("VACUUM ANALYZE");

    const micros = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1) {
        note(`Guards: round ${round + 1} of ${rounds}`);
        for (const file of Object.keys(WORK)) {
            for (const name of round % 2 === 0 ? ["bare", "guarded"] : ["guarded", "bare"]) {
                const found = await measure(client, file, name, steps);
                for (const kind of KINDS) {
                    const key = `${file} ${name} ${kind}`;
                    micros.set(key, [...(micros.get(key) ?? []), found[kind]]);
                }
            }
        }
    }
    const series = (...parts: string[]): number[] => micros.get(parts.join(" ")) ?? [];
    return [
        "## Guards at the source",
        "",
        `The same table of ${KEYS} rows without and with the guards against TRUNCATE and key updates. ${steps} rows at a time, ` +
            `inside the server, ${rounds} interleaved rounds, median (min-max). The updates change a column outside the key.`,
        "",
        table(
            ["µs per row", "without guards", "with guards", "ratio"],
            Object.entries(WORK).flatMap(([file, label]) =>
                KINDS.map((kind) => [
                    `${kind}, ${label}`,
                    spread(series(file, "bare", kind), 2),
                    spread(series(file, "guarded", kind), 2),
                    spread(
                        roundRatios(series(file, "guarded", kind), series(file, "bare", kind)),
                        2,
                    ),
                ]),
            ),
        ),
    ].join("\n");
};

type Micros = Readonly<Record<(typeof KINDS)[number], number>>;

/** One run of a file of bench/sql on a table; it leaves the table as it was, but for dead rows. */
async function measure(client: Client, file: string, name: string, steps: number): Promise<Micros> {
    await client.query(
        readBenchSql(file).replaceAll("{table}", name).replaceAll("{steps}", String(steps)),
    );
    const { rows } = await client.query<{ micros: Micros }>(
        "SELECT current_setting('bench.micros')::jsonb AS micros",
    );
    await client.query(`VACUUM ${name}`);
    return rows[0]?.micros ?? { insert: NaN, update: NaN, delete: NaN };
}

runAlone(module, guards);
