import * as pulumi from "@pulumi/pulumi";
// Bound so that the serialised provider requires it in its own process.
import crypto = require("node:crypto");
import type { SqlFile } from "../trail/shape";
import { Connection, withClient } from "./connection";

/** Arguments of {@link SqlScript}. */
export interface SqlScriptArgs {
    /** The database to run in; its user must own what the files alter. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /** The rendered files, run in this order in one transaction; each can be run again on its own result. */
    readonly files: pulumi.Input<readonly SqlFile[]>;
    /** Runs the files again whenever this text changes, for effects that something else can undo. */
    readonly rerunWhen?: pulumi.Input<string>;
}

interface SqlScriptInputs {
    readonly connection: Connection;
    readonly files: readonly SqlFile[];
    readonly rerunWhen?: string;
}

/**
 * What a later run is compared with. Small, because the engine writes the whole state down with every step, and every
 * table has several scripts.
 */
interface SqlScriptState {
    readonly place: string;
    readonly digest: string;
}

function stateOf({ connection, files, rerunWhen }: SqlScriptInputs): SqlScriptState {
    const { host, port, database } = connection;
    return {
        place: `${host}:${String(port)}/${database}`,
        digest: crypto
            .createHash("sha256")
            .update(JSON.stringify([files, rerunWhen]))
            .digest("hex"),
    };
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

async function runFiles({ connection, files }: SqlScriptInputs): Promise<void> {
    await withClient(connection, async (client) => {
        await client.query("BEGIN");
        await client.query("SELECT pg_catalog.pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
        for (const { file, sql } of files) {
            try {
                await client.query(sql);
            } catch (error) {
                const fields = error as { message?: string; position?: string; code?: string };
                throw new Error(
                    `${file} failed${statementAt(sql, fields.position)} in database "${connection.database}" at ${connection.host}: ${String(fields.message)} (SQLSTATE ${fields.code ?? "unknown"}); nothing of this script was applied, mend the cause and run the update again.`,
                    { cause: error },
                );
            }
        }
        await client.query("COMMIT");
    });
}

const provider: pulumi.dynamic.ResourceProvider<SqlScriptInputs, SqlScriptState> = {
    diff(_id, olds, news) {
        const { place, digest } = stateOf(news);
        const moved = olds.place !== place;
        return Promise.resolve({
            changes: moved || olds.digest !== digest,
            replaces: moved ? ["connection"] : [],
        });
    },
    async create(inputs) {
        await runFiles(inputs);
        return { id: inputs.files.map(({ file }) => file).join(","), outs: stateOf(inputs) };
    },
    async update(_id, _olds, news) {
        await runFiles(news);
        return { outs: stateOf(news) };
    },
    // No delete: an audit trail outlives the wish to audit, and a destroyed cluster takes its objects along.
};

/**
 * Runs SQL files in a database: what the postgresql provider cannot set (tables, triggers, indexes, views, a
 * function's search_path and owner). One transaction under an advisory lock; it runs again when a file's text changes.
 * Errors name the file and the line. Deleting the resource leaves the database as it is.
 */
export class SqlScript extends pulumi.dynamic.Resource {
    constructor(name: string, args: SqlScriptArgs, opts?: pulumi.CustomResourceOptions) {
        super(provider, name, { ...args }, opts, "auditTrail", "SqlScript");
    }
}
