import * as pulumi from "@pulumi/pulumi";
// Bound so that the serialised provider requires them in its own process.
import crypto = require("node:crypto");
import util = require("node:util");
import type pg = require("pg");
import type { SqlFile } from "../trail/shape";
import { Connection, withClient } from "./connection";

/** Files that belong together. */
export interface SqlBatch {
    /** Run in this order in one transaction; each can be run again on its own result. */
    readonly files: readonly SqlFile[];
    /** Runs the files again whenever this text changes, for effects that something else can undo. */
    readonly rerunWhen?: string;
}

/** Arguments of {@link SqlScript}. */
export interface SqlScriptArgs {
    /** The database to run in; its user must own what the files alter. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /**
     * One after the other, each in a transaction of its own. Many batches in one resource rather than a resource for
     * each: the engine writes the whole state down with every step.
     */
    readonly batches: pulumi.Input<readonly SqlBatch[]>;
}

interface SqlScriptInputs {
    readonly connection: Connection;
    readonly batches: readonly SqlBatch[];
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

/** All scripts of all stacks on a server wait for each other: concurrent DDL on one catalog deadlocks. */
const ADVISORY_LOCK = 0x6175646974; // "audit"

/**
 * The line of `text` on which the character position of a PostgreSQL error (1-based) lies, and its first words; nothing
 * for an error that has no position.
 */
function statementAt(text: string, position: string | undefined): string {
    if (position === undefined) {
        return "";
    }
    const before = text.slice(0, Math.max(0, Number(position) - 1));
    const line = before.split("\n").length;
    const words = (text.split("\n")[line - 1] ?? "").trim().slice(0, 80);
    return ` at line ${String(line)} ("${words}")`;
}

async function runBatch(
    client: pg.Client,
    { host, database }: Connection,
    { files }: SqlBatch,
): Promise<void> {
    await client.query("BEGIN");
    await client.query("SELECT pg_catalog.pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
    for (const { file, sql } of files) {
        try {
            await client.query(sql);
        } catch (error) {
            const fields = error as { message?: string; position?: string; code?: string };
            throw new Error(
                `${file} failed${statementAt(sql, fields.position)} in database "${database}" at ${host}: ${String(fields.message)} (SQLSTATE ${fields.code ?? "unknown"}); nothing of this script was applied, mend the cause and run the update again.`,
                { cause: error },
            );
        }
    }
    await client.query("COMMIT");
}

/** Runs the batches that have not run as they are now. What has run before a failure runs again at the next attempt. */
async function runBatches(
    { connection, batches }: SqlScriptInputs,
    known: readonly string[],
): Promise<void> {
    await withClient(connection, async (client) => {
        for (const batch of batches) {
            if (!known.includes(digestOf(batch))) {
                await runBatch(client, connection, batch);
            }
        }
    });
}

const provider: pulumi.dynamic.ResourceProvider<SqlScriptInputs, SqlScriptState> = {
    diff(_id, olds, news) {
        if (!Array.isArray(news.batches)) {
            // A preview that does not know them: the table that they are made for has changed as well.
            return Promise.resolve({ changes: true });
        }
        const { place, digests } = stateOf(news);
        const moved = olds.place !== place;
        return Promise.resolve({
            changes: moved || !util.isDeepStrictEqual(olds.digests, digests),
            replaces: moved ? ["connection"] : [],
        });
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
 * Runs SQL files in a database: what the postgresql provider cannot set (tables, triggers, indexes, views, a
 * function's search_path and owner). Under an advisory lock; a batch runs again when a file's text changes.
 * Errors name the file and the line. Deleting the resource leaves the database as it is.
 */
export class SqlScript extends pulumi.dynamic.Resource {
    constructor(name: string, args: SqlScriptArgs, opts?: pulumi.CustomResourceOptions) {
        super(provider, name, { ...args }, opts, "auditTrail", "SqlScript");
    }
}
