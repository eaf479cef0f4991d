import { performance } from "node:perf_hooks";
import { tableMappings } from "../components/dms/tableMappings";
import { prepareSession } from "../database/session";
import { renderSql } from "../database/sqlTemplate";
import { deploy } from "../testing/trailDatabase";
import { World } from "../testing/verifiedTrail";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../trail/catalogTables";
import { MARKER_TABLE } from "../trail/guards";
import { replicatedTables } from "../trail/tableDefinition";
import { verifyTrail } from "../verify/verifyTrail";
import { note, type Part, runAlone } from "./part";
import { table } from "./report";

const PAYMENT = { schema: "public", table: "payment" };

/** Makes a table with this many leaves, one for each day, and this many rows in each. */
function ddl(leaves: number, rowsOfEach: number): string {
    return `
        CREATE TABLE payment (
            payment_id integer, paid_on date, amount numeric(10, 2) NOT NULL, customer varchar(100),
            PRIMARY KEY (paid_on, payment_id)
        ) PARTITION BY RANGE (paid_on);
        DO $$
        BEGIN
            FOR n IN 0..${leaves - 1} LOOP
                EXECUTE format(
                    'CREATE TABLE payment_%s PARTITION OF payment FOR VALUES FROM (%L) TO (%L)',
                    n, date '2026-01-01' + n, date '2026-01-02' + n
                );
            END LOOP;
        END $$;
        INSERT INTO payment
            SELECT r, date '2026-01-01' + n, r, 'customer ' || r
            FROM generate_series(0, ${leaves - 1}) AS n, generate_series(1, ${rowsOfEach}) AS r;
        ANALYZE payment`;
}

/** Measures what many leaves of one table cost, without the engine. */
export const leaves: Part = async ({ quick }, defer) => {
    const counts = quick ? [20] : [1, 50, 500];
    const rows = quick ? 2_000 : 100_000;
    const lines: string[][] = [];
    for (const count of counts) {
        note(`Leaves: a table of ${count}`);
        lines.push(await measure(count, rows, defer));
    }
    return [
        "## Partitions",
        "",
        `One table of ${rows} rows in so many leaves, every row changed once since its load; source, audit side, stand-in and ` +
            "program share this machine's cores; one run each. A deployment is the table's SQL on the audit side alone.",
        "",
        table(
            [
                "leaves",
                "catalog, s",
                "mapping, KB",
                "servers, deployment and load, s",
                "deployment without a change, s",
                "verify, s",
            ],
            lines,
        ),
    ].join("\n");
};

async function measure(count: number, rows: number, defer: Parameters<Part>[1]): Promise<string[]> {
    const [world, opened] = await timed(() =>
        World.open(ddl(count, rows / count), [PAYMENT], {
            shared_buffers: "256MB",
            max_locks_per_transaction: "256",
        }),
    );
    defer(() => world.close());
    const read = async (): Promise<CatalogRow[]> => {
        const sql = renderSql("sql/source/catalog.sql").sql;
        const result = await world.source.query<CatalogRow>(
            sql,
            catalogParameters([PAYMENT, MARKER_TABLE]),
        );
        return result.rows;
    };
    const [catalog, reading] = await timed(read);
    const definitions = tableDefinitions(catalog);
    const mapping = JSON.stringify(tableMappings(replicatedTables(definitions), ""));
    const master = await world.auditSession();
    await prepareSession(master);
    const [, again] = await timed(() => deploy(master, definitions));
    await world.source.query("UPDATE payment SET amount = amount + 1");
    // Waits until the changes have arrived.
    await world.verify({ markerTimeoutMs: 600_000 });
    const [report, verifying] = await timed(async () =>
        verifyTrail(await world.session(), world.trail.master, world.definitions),
    );
    if (!report.complete) {
        note(JSON.stringify(report, undefined, 2).slice(0, 4_000));
    }
    return [
        String(count),
        reading.toFixed(2),
        (Buffer.byteLength(mapping) / 1000).toFixed(0),
        opened.toFixed(1),
        again.toFixed(1),
        `${verifying.toFixed(1)}${report.complete ? "" : " (incomplete)"}`,
    ];
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
    const started = performance.now();
    const result = await work();
    return [result, (performance.now() - started) / 1000];
}

runAlone(module, leaves);
