import type { Client } from "pg";
import { type BatchPlace, runBatch, type SqlBatch } from "../../database/runBatch";
import { prepareSession } from "../../database/session";
import { disconnect } from "../../local/dms/connection";
import { auditGrants, auditRights } from "../../trail/grants";
import { triggerFunction } from "../../trail/logFunction";
import { foundation } from "../../trail/statements";
import { tableBatches } from "../../trail/tableBatches";
import type { TableDefinition } from "../../trail/tableDefinition";
import { markerGapFiles } from "../../trail/tableGroups";
import { leaveFile, retireFile } from "../../trail/tableLife";
import { createFunction } from "../trailDatabase";

/**
 * An update of the program on a trail that is there: its scripts in its batches, with its patience for locks, and between them
 * what the postgresql provider does, which drops the functions that others took the place of at the end.
 *
 * @param definitions of all audited tables, the marker table among them
 * @param connect opens a session of the master
 */
export async function updateProgram(
    definitions: readonly TableDefinition[],
    connect: () => Promise<Client>,
): Promise<void> {
    const master = await connect();
    try {
        await prepareSession(master);
        const place: BatchPlace = {
            host: "the audit server",
            database: "the audit database",
            withSession: async (work) => {
                const client = await connect();
                try {
                    return await work(client);
                } finally {
                    await disconnect(client);
                }
            },
        };
        const run = async (...batches: SqlBatch[]): Promise<void> => {
            for (const batch of batches) {
                await runBatch(master, place, batch);
            }
        };
        const rights: SqlBatch = { files: [auditGrants(definitions)] };
        await run(rights, { files: foundation() }, rights);
        for (const definition of definitions) {
            await createFunction(master, definition);
        }
        const whole: SqlBatch = { files: auditRights(definitions, definitions) };
        await run(
            whole,
            ...definitions.flatMap(tableBatches),
            { files: [leaveFile(definitions)] },
            whole,
        );
        await run(rights, { files: markerGapFiles() }, rights, {
            files: [retireFile(definitions)],
        });
        await dropOthers(master, definitions);
    } finally {
        await disconnect(master);
    }
}

async function dropOthers(master: Client, definitions: readonly TableDefinition[]): Promise<void> {
    const { rows } = await master.query<{ signature: string }>(
        `SELECT p.oid::pg_catalog.regprocedure::text AS signature FROM pg_catalog.pg_proc AS p
            WHERE p.pronamespace = 'audit_trail'::pg_catalog.regnamespace
                AND p.proname LIKE '%\\_log\\_change' AND p.proname <> ALL ($1)`,
        [definitions.map((definition) => triggerFunction(definition).name)],
    );
    for (const { signature } of rows) {
        await master.query(`DROP FUNCTION ${signature}`);
    }
}
