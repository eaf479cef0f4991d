import { renderSql } from "../database/sqlTemplate";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters } from "../trail/catalogTables";
import { dmsSessionLook } from "../trail/dmsSession";
import { roles, schemas } from "../trail/rolesAndSchemas";
import type { TableName } from "../trail/tableDefinition";
import type { ActivityFacts, ServerFacts, SourceFacts, TableFacts } from "./sourceFacts";

/** Runs one query and returns its rows. */
export type Query = <T extends object>(
    sql: string,
    parameters: readonly unknown[],
) => Promise<readonly T[]>;

/** The texts of the queries: they are read where the project's files are, which is not always where they run. */
export interface FactQueries {
    readonly server: string;
    readonly activity: string;
    readonly tables: string;
    readonly catalog: string;
    readonly session: string;
}

/** The queries as the project's files have them. */
export function factQueries(): FactQueries {
    const text = (name: string): string => renderSql(`sql/source/${name}.sql`).sql;
    return {
        server: text("preflight/server"),
        activity: text("preflight/activity"),
        tables: text("preflight/tables"),
        catalog: text("catalog"),
        session: dmsSessionLook(roles.source).sql,
    };
}

/** The settings that a check looks at. */
const SETTINGS = [
    ...["wal_level", "max_replication_slots", "max_wal_senders", "wal_sender_timeout"],
    ...["max_slot_wal_keep_size", "max_worker_processes", "max_logical_replication_workers"],
    ...["autovacuum_max_workers", "max_parallel_workers", "synchronous_commit", "ssl"],
    ...["session_replication_role", "idle_in_transaction_session_timeout", "statement_timeout"],
    ...["rds.force_ssl", "idle_replication_slot_timeout", "logical_decoding_work_mem"],
    ...["TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output"],
];

/** How old, in seconds, a transaction is that counts as a long one. */
const LONG_TRANSACTION_SECONDS = 60;

/**
 * Asks the source what the checks judge, in a few short queries.
 *
 * @param longSeconds the age from which a transaction is a long one
 */
export async function readFacts(
    query: Query,
    queries: FactQueries,
    tables: readonly TableName[],
    longSeconds = LONG_TRANSACTION_SECONDS,
): Promise<SourceFacts> {
    const [schemaNames, tableNames, dms] = catalogParameters(tables);
    const [server] = await query<ServerFacts>(queries.server, [schemas.trail, dms, SETTINGS]);
    const [activity] = await query<ActivityFacts>(queries.activity, [roles.source, longSeconds]);
    if (server === undefined || activity === undefined) {
        throw new Error("The source gave no facts about itself; run the command again.");
    }
    const isDeployed = server.has_trail && server.dms !== null;
    const session = isDeployed ? await query<{ finding: string }>(queries.session, []) : [];
    return {
        server,
        activity,
        session: session.map(({ finding }) => finding),
        catalog: await query<CatalogRow>(queries.catalog, catalogParameters(tables)),
        tables: await query<TableFacts>(queries.tables, [schemaNames, tableNames]),
    };
}
