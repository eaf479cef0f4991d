import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
// Bound so that the serialised provider requires it in its own process.
import util = require("node:util");
import type pg = require("pg");
import { type Connection, isKnownConnection, withClient } from "../../database/connection";
import { type BatchPlace, runBatch } from "../../database/runBatch";
import type { SqlFile } from "../../database/sqlTemplate";
import type { UndoScripts } from "../../trail/sourceUndo";

/** Arguments of {@link SourceUndo} and {@link DestroyCheck}. */
export interface SourceUndoArgs {
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    readonly scripts: UndoScripts;
    /** The replication slots that the source had before the trail. */
    readonly slotsBefore: pulumi.Input<readonly string[]>;
}

/** They are the state as well: a destroy has nothing else. */
interface SourceUndoInputs {
    readonly connection: Connection;
    readonly scripts: UndoScripts;
    readonly slotsBefore: readonly string[];
}

async function isThere(client: pg.Client, { there }: UndoScripts): Promise<boolean> {
    const { rows } = await client.query<{ there: boolean }>(there.sql);
    return rows[0]?.there === true;
}

/** @throws Error with all that would keep the source from becoming what it was. */
async function refuseWhatStays(
    client: pg.Client,
    { connection, scripts }: SourceUndoInputs,
): Promise<void> {
    const { rows } = await client.query<{ finding: string }>(scripts.look.sql);
    if (rows.length > 0) {
        throw new Error(
            `The database "${connection.database}" at ${connection.host} would not be left as it was: ${rows.map(({ finding }) => finding).join("; ")}; do that and run the destroy again.`,
        );
    }
}

async function noteSlots(client: pg.Client, { scripts }: SourceUndoInputs): Promise<void> {
    if (await isThere(client, scripts)) {
        await client.query(scripts.noteSlots.sql);
    }
}

/** Slots that came after the trail, and that nobody has seen being read: DMS's, perhaps. */
async function tellStraySlots(
    client: pg.Client,
    { scripts, slotsBefore }: SourceUndoInputs,
): Promise<void> {
    const { rows } = await client.query<{ slot_name: string }>(scripts.straySlots.sql, [
        slotsBefore,
    ]);
    for (const { slot_name: slot } of rows) {
        console.warn(
            `Nobody reads the replication slot ${slot} of the source, which is younger than the trail and keeps WAL: if no other task of yours needs it, run SELECT pg_drop_replication_slot('${slot}').`,
        );
    }
}

async function undo(inputs: SourceUndoInputs): Promise<void> {
    const { connection, scripts } = inputs;
    const place: BatchPlace = {
        host: connection.host,
        database: connection.database,
        command: "destroy",
        withSession: (work) => withClient(connection, work),
    };
    const run = (client: pg.Client, about: string, file: SqlFile): Promise<void> =>
        runBatch(client, place, { about, files: [file] });
    await withClient(connection, async (client) => {
        await refuseWhatStays(client, inputs);
        if (await isThere(client, scripts)) {
            const { rows } = await client.query<{ about: string; statement: string }>(
                scripts.guards.sql,
            );
            for (const { about, statement } of rows) {
                await run(client, about, { file: scripts.guards.file, sql: statement });
            }
            await run(client, "the task's slots", scripts.slots);
        }
        await run(client, "what is left", scripts.rest);
        await tellStraySlots(client, inputs);
    });
}

function hasChanged(olds: SourceUndoInputs, news: SourceUndoInputs): boolean {
    const of = ({ connection, scripts, slotsBefore }: SourceUndoInputs) => [
        connection,
        scripts,
        slotsBefore,
    ];
    return !isKnownConnection(news.connection) || !util.isDeepStrictEqual(of(olds), of(news));
}

/** What is done to an undo; apart from the resource, so that it can be asked without an engine. */
export const undoProvider: pulumi.dynamic.ResourceProvider<SourceUndoInputs, SourceUndoInputs> = {
    diff: (_id, olds, news) => Promise.resolve({ changes: hasChanged(olds, news) }),
    create: (inputs) => Promise.resolve({ id: inputs.connection.database, outs: inputs }),
    update: (_id, _olds, news) => Promise.resolve({ outs: news }),
    delete: (_id, state) => undo(state),
};

/** What is done to a check; apart from the resource, so that it can be asked without an engine. */
export const destroyCheckProvider: pulumi.dynamic.ResourceProvider<
    SourceUndoInputs,
    SourceUndoInputs
> = {
    diff: (_id, olds, news) => Promise.resolve({ changes: hasChanged(olds, news) }),
    async create(inputs) {
        await withClient(inputs.connection, (client) => noteSlots(client, inputs));
        return { id: inputs.connection.database, outs: inputs };
    },
    async update(_id, _olds, news) {
        await withClient(news.connection, (client) => noteSlots(client, news));
        return { outs: news };
    },
    async delete(_id, state) {
        try {
            await withClient(state.connection, async (client) => {
                await refuseWhatStays(client, state);
                await noteSlots(client, state);
            });
        } catch (error) {
            throw new Error(`Nothing was destroyed yet. ${messageOf(error)}`, { cause: error });
        }
    },
};

/**
 * Takes from a source that the stack did not make what the trail has made there. It is deleted after the task and before the
 * role and the schemas, so that a destroy leaves the source as it was. After a failure the next destroy goes on from there.
 */
export class SourceUndo extends pulumi.dynamic.Resource {
    constructor(name: string, args: SourceUndoArgs, opts?: pulumi.CustomResourceOptions) {
        super(undoProvider, name, { ...args }, secretConnection(opts), "auditTrail", "SourceUndo");
    }
}

/**
 * Looks, before a destroy ends anything, whether {@link SourceUndo} can do its work. It depends on everything else. Without it
 * the task would be deleted while the source cannot be reached: its slot would stay there and keep WAL for ever.
 */
export class DestroyCheck extends pulumi.dynamic.Resource {
    constructor(name: string, args: SourceUndoArgs, opts?: pulumi.CustomResourceOptions) {
        super(
            destroyCheckProvider,
            name,
            { ...args },
            secretConnection(opts),
            "auditTrail",
            "DestroyCheck",
        );
    }
}

/** The state has the connection, and in it the password. */
function secretConnection(opts?: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
    return { ...opts, additionalSecretOutputs: ["connection"] };
}
