import type { Client } from "pg";

import { type Checkpoint, FIRST_SEQUENCE, readCheckpoint, writeCheckpoint } from "./checkpoint";
import { clientConfig, disconnect } from "./connection";
import { StopRequested, TaskError } from "./errors";
import { type LoadContext, loadTable, useSnapshot } from "./fullLoad";
import type { MappedTable } from "./mapping";
import type { TaskContext } from "./session";
import { createSlot, dropSlot, requireSlot, slotName } from "./slot";
import { replicationClient } from "./stream";
import { quoted } from "./tableName";
import type { Tables } from "./tables";
import type { ValueRules } from "./values";

export interface InitialiseContext extends TaskContext {
    readonly source: Client;
    readonly target: Client;
    readonly tables: Tables;
    readonly rules: ValueRules;
}

/** At the first start: slot, snapshot and full load as the migration type wants them. Later: the checkpoint. */
export async function initialise(context: InitialiseContext): Promise<Checkpoint> {
    const { checkpoint, log, tables } = context;
    const mapped = await tables.all();
    if (checkpoint?.fullLoad === "done") {
        for (const table of mapped) {
            await tables.plan(table.source);
        }
        return checkpoint;
    }
    switch (context.task.migrationType) {
        case "cdc":
            return await startCdc(context);
        case "full-load":
            await load(context, mapped, undefined);
            return finish(context, "", "0/0");
        case "full-load-and-cdc": {
            const slot = slotName(context.task.identifier);
            return await withNewSlot(context, slot, async (created) => {
                log("I", "SOURCE_UNLOAD", `Full load up to ${created.consistentPoint}.`);
                await load(context, mapped, created.snapshot);
                return finish(context, slot, created.consistentPoint);
            });
        }
    }
}

async function startCdc(context: InitialiseContext): Promise<Checkpoint> {
    const { task, source } = context;
    const given = task.source.settings.slotName;
    if (given !== undefined) {
        await requireSlot(source, given);
        return finish(context, given, "0/0");
    }
    const slot = slotName(task.identifier);
    return await withNewSlot(context, slot, ({ consistentPoint }) =>
        Promise.resolve(finish(context, slot, consistentPoint)),
    );
}

function finish(context: InitialiseContext, slot: string, position: string): Checkpoint {
    const checkpoint: Checkpoint = {
        slot,
        fullLoad: "done",
        position,
        changeSequence: FIRST_SEQUENCE,
        suspended: [],
    };
    writeCheckpoint(context.files.checkpoint, checkpoint);
    context.status.update({ position });
    return checkpoint;
}

/** Replaces what an interrupted first start left of the slot; the connection is open while `use` runs. */
async function withNewSlot(
    context: InitialiseContext,
    slot: string,
    use: (created: Awaited<ReturnType<typeof createSlot>>) => Promise<Checkpoint>,
): Promise<Checkpoint> {
    const { task, source, signal } = context;
    await dropSlot(source, slot);
    const config = clientConfig(task.source, task.identifier);
    const replication = await replicationClient(config, () => undefined);
    const seconds = task.settings.FullLoadSettings.TransactionConsistencyTimeout;
    const interrupt = (): void => {
        replication.connection.stream.destroy();
    };
    const late = new AbortController();
    const timer = setTimeout(() => {
        late.abort();
        interrupt();
    }, seconds * 1000);
    signal.addEventListener("abort", interrupt);
    try {
        const created = await createSlot(replication, slot);
        clearTimeout(timer);
        return await use(created);
    } catch (error) {
        if (signal.aborted) {
            throw new StopRequested();
        }
        if (late.signal.aborted) {
            throw new TaskError(
                `Transactions stayed open on the source for ${seconds} seconds (TransactionConsistencyTimeout): ` +
                    "end them and start the task again.",
                { cause: error },
            );
        }
        throw error;
    } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupt);
        await disconnect(replication);
    }
}

async function load(
    context: InitialiseContext,
    mapped: readonly MappedTable[],
    snapshot: string | undefined,
): Promise<void> {
    const { files, status, source, tables, log, task, signal } = context;
    // What an interrupted attempt committed is loaded again into an emptied table.
    const interrupted = readCheckpoint(files.checkpoint)?.loaded ?? [];
    const loaded = new Set(interrupted);
    const save = (): void => {
        writeCheckpoint(files.checkpoint, {
            slot: snapshot === undefined ? "" : slotName(task.identifier),
            fullLoad: "loading",
            loaded: [...loaded],
            position: "0/0",
            changeSequence: FIRST_SEQUENCE,
            suspended: [],
        });
    };
    save();
    status.enter("full-load");
    await prepareTargets(context, mapped);
    if (snapshot === undefined) {
        await source.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    } else {
        await useSnapshot(source, snapshot);
    }
    const loadContext: LoadContext = {
        source,
        target: context.target,
        rules: context.rules,
        log,
        signal,
        faults: context.faults.current(),
        failOnTruncation:
            task.source.settings.failTasksOnLobTruncation ||
            task.target.settings.failTasksOnLobTruncation,
        beforeCommit: (plan) => {
            loaded.add(quoted(plan.source));
            save();
        },
    };
    const mode = task.settings.FullLoadSettings.TargetTablePrepMode;
    const loadedRows: Record<string, number> = {};
    for (const { source: table } of mapped) {
        const name = quoted(table);
        const truncates = interrupted.includes(name) || mode === "TRUNCATE_BEFORE_LOAD";
        const rows = await loadTable(await tables.plan(table), truncates, loadContext);
        loadedRows[name] = rows;
        status.update({ loadedRows: { ...loadedRows } });
        log("I", "TARGET_LOAD", `Loaded ${rows} rows of ${name}.`);
    }
    await source.query("COMMIT");
}

async function prepareTargets(
    { task, target, tables, log }: InitialiseContext,
    mapped: readonly MappedTable[],
): Promise<void> {
    if (task.settings.FullLoadSettings.TargetTablePrepMode !== "DROP_AND_CREATE") {
        return;
    }
    for (const table of mapped) {
        const name = quoted(tables.targetOf(table));
        log("W", "TARGET_LOAD", `${name} is dropped and created again, without its triggers.`);
        await target.query(`DROP TABLE IF EXISTS ${name}`);
    }
}
