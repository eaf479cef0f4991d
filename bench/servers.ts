import { totalmem } from "node:os";
import { Client, type ClientConfig } from "pg";
import { type ScratchServer, scratchServer } from "../testing/postgres";
import { KEYS } from "./load";
import type { Defer } from "./part";
import { readBenchSql } from "./sql";

/**
 * A quarter of the machine's memory, as RDS for PostgreSQL sets it by default (`DBInstanceClassMemory/32768` pages of
 * 8 kB); Aurora's default is larger. Of what a benchmark does not touch nothing is taken.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Tuning.concepts.memory.html
 */
const SHARED_BUFFERS_MB = Math.floor(totalmem() / 4 / 1024 / 1024);

/** As a server that must not lose anything; no checkpoint and no autovacuum falls into a run, for any variant. */
const SETTINGS: Readonly<Record<string, string>> = {
    fsync: "on",
    full_page_writes: "on",
    synchronous_commit: "on",
    shared_buffers: `${SHARED_BUFFERS_MB}MB`,
    max_wal_size: "32GB",
    checkpoint_timeout: "1h",
    autovacuum: "off",
    max_connections: "50",
};

/** A server of its own under the OS temp folder, which goes with the benchmark. */
export async function benchServer(
    defer: Defer,
    settings: Readonly<Record<string, string>>,
): Promise<ScratchServer> {
    const server = await scratchServer({ settings: { ...SETTINGS, ...settings } });
    defer(() => server.stop());
    return server;
}

/** How to connect to a database of a server as its superuser. */
export function databaseOf(server: ScratchServer, database = server.database): ClientConfig {
    const { host, port, user, password } = server;
    return { host, port, user, password, database };
}

/** A session that ends with the benchmark. */
export async function session(defer: Defer, config: ClientConfig): Promise<Client> {
    const client = new Client(config);
    // A server that stops before its last session has ended.
    client.on("error", () => undefined);
    await client.connect();
    defer(() => client.end());
    return client;
}

/** A new database with the workload's table, filled; resolves with how to connect to it. */
export async function sourceDatabase(
    defer: Defer,
    server: ScratchServer,
    name: string,
): Promise<{ readonly config: ClientConfig; readonly client: Client }> {
    const postgres = await session(defer, databaseOf(server));
    await postgres.query(`CREATE DATABASE ${postgres.escapeIdentifier(name)}`);
    const config = databaseOf(server, name);
    const client = await session(defer, config);
    await client.query(readBenchSql("items.sql"));
    await client.query(
        "INSERT INTO items SELECT g, 'item ' || g, g % 1000 FROM generate_series(1, $1::integer) AS g",
        [KEYS],
    );
    await client.query("VACUUM ANALYZE items");
    return { config, client };
}
