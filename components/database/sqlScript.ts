import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
// Bound so that the serialised provider requires them in its own process.
import crypto = require("node:crypto");
import util = require("node:util");
import type pg = require("pg");
import {
    type Connection,
    isKnownConnection,
    isUnreachable,
    UNKNOWN_SERVER,
    withClient,
} from "../../database/connection";
import { type BatchPlace, runBatch, type SqlBatch } from "../../database/runBatch";
import type { SqlFile } from "../../database/sqlTemplate";

export type { SqlBatch } from "../../database/runBatch";

/** Arguments of {@link SqlScript}. */
export interface SqlScriptArgs {
    /** The database to run in; its user must own what the files alter. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /**
     * They run one after the other, each in a transaction of its own. One resource holds many batches, because the engine
     * writes its whole state with every resource.
     */
    readonly batches: pulumi.Input<readonly SqlBatch[]>;
    /**
     * A query that finds what is not as the batches left it. It returns rows of {@link Finding} and runs at every preview and
     * update. A finding makes its batch run again. What is found after that fails the update.
     */
    readonly look?: pulumi.Input<SqlFile | undefined>;
}

/** Something that is not as it should be. */
interface Finding {
    /** The batch whose {@link SqlBatch.about} this is. */
    readonly about: string;
    /** One sentence without its full stop. */
    readonly finding: string;
}

interface SqlScriptInputs {
    readonly connection: Connection;
    readonly batches: readonly SqlBatch[];
    readonly look?: SqlFile;
}

/** What a later run is compared with: where it ran, and a digest of each batch (an older version kept another one). */
interface SqlScriptState {
    readonly place: string;
    readonly digests?: readonly string[];
}

function digestOf(batch: SqlBatch): string {
    const text = JSON.stringify([batch.files, batch.rerunWhen]);
    return crypto.createHash("sha256").update(text).digest("hex");
}

function stateOf({ connection, batches }: SqlScriptInputs): SqlScriptState {
    const { host, port, database } = connection;
    return { place: `${host}:${String(port)}/${database}`, digests: batches.map(digestOf) };
}

async function findings(client: pg.Client, look: SqlFile | undefined): Promise<Finding[]> {
    return look === undefined ? [] : (await client.query<Finding>(look.sql)).rows;
}

/**
 * Runs the batches that have changed since they ran, and those whose effects are missing. After a failure the next attempt
 * runs again what had run before it.
 */
async function runBatches(
    { connection, batches, look }: SqlScriptInputs,
    known: readonly string[],
): Promise<void> {
    const place: BatchPlace = {
        host: connection.host,
        database: connection.database,
        withSession: (work) => withClient(connection, work),
    };
    await withClient(connection, async (client) => {
        // Before the first run nothing is there that could be looked at.
        const broken = known.length === 0 ? [] : await findings(client, look);
        const isDue = (batch: SqlBatch): boolean =>
            !known.includes(digestOf(batch)) || broken.some(({ about }) => about === batch.about);
        const anything = batches.some(isDue);
        for (const batch of batches) {
            if (isDue(batch) || (anything && batch.always === true)) {
                await runBatch(client, place, batch);
            }
        }
        const left = await findings(client, look);
        if (left.length > 0) {
            throw new Error(
                `The trail in database "${connection.database}" at ${connection.host} is not as the update left it: ${left.map(({ about, finding }) => `${about}: ${finding}`).join("; ")}. Mend that, or run pulumi refresh, and run the update again.`,
            );
        }
    });
}

/** What is done to a script; apart from the resource, so that it can be asked without an engine. */
export const scriptProvider: pulumi.dynamic.ResourceProvider<SqlScriptInputs, SqlScriptState> = {
    async diff(_id, olds, news) {
        if (!Array.isArray(news.batches)) {
            // A preview that does not know them: the table that they are made for has changed as well.
            return { changes: true };
        }
        if (!isKnownConnection(news.connection)) {
            const isSame = util.isDeepStrictEqual(olds.digests, news.batches.map(digestOf));
            console.warn(
                `Nobody has looked whether the trail is as the last update left it: ${UNKNOWN_SERVER}.`,
            );
            return { changes: !isSame };
        }
        const { place, digests } = stateOf(news);
        const moved = olds.place !== place;
        if (moved || !util.isDeepStrictEqual(olds.digests, digests)) {
            return { changes: true, replaces: moved ? ["connection"] : [] };
        }
        const { look } = news;
        if (look === undefined) {
            return { changes: false };
        }
        try {
            const broken = await withClient(news.connection, (client) => findings(client, look));
            return { changes: broken.length > 0 };
        } catch (error) {
            if (!isUnreachable(error instanceof Error ? error.cause : undefined)) {
                throw error;
            }
            // A preview must work where the private database is out of reach.
            console.warn(
                `Nobody has looked whether the trail is as the last update left it: ${messageOf(error)}`,
            );
            return { changes: false };
        }
    },
    async create(inputs) {
        await runBatches(inputs, []);
        return { id: inputs.connection.database, outs: stateOf(inputs) };
    },
    async update(_id, olds, news) {
        await runBatches(news, olds.digests ?? []);
        return { outs: stateOf(news) };
    },
    // No delete: an audit trail outlives the wish to audit, and a destroyed cluster takes its objects along.
};

/**
 * Runs SQL files in a database. They create what the postgresql provider cannot (tables, triggers, indexes, views, rights, a
 * function's search_path and owner). A batch runs again when a file's text changes, or when its effects are found to be
 * gone. Errors name the file and the line. Deleting the resource leaves the database as it is.
 */
export class SqlScript extends pulumi.dynamic.Resource {
    constructor(name: string, args: SqlScriptArgs, opts?: pulumi.CustomResourceOptions) {
        super(scriptProvider, name, { ...args }, opts, "auditTrail", "SqlScript");
    }
}
