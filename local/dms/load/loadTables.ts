import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import type { ValueRules } from "../apply/columnValues";
import type { Tables } from "../apply/taskTables";
import type { CreatedSlot } from "../capture/slot";
import type { TaskContext } from "../context";
import { StopRequested } from "../signals";
import { quoted } from "../tableName";
import { type Checkpoint, writeCheckpoint } from "../task/checkpoint";
import type { MappedTable } from "../task/mapping";
import { type LoadContext, loadTable, useSnapshot } from "./fullLoad";

const HOLD_POLL_MS = 20;

export interface LoadTablesContext extends TaskContext {
    readonly source: Client;
    readonly target: Client;
    readonly tables: Tables;
    readonly rules: ValueRules;
}

/**
 * Loads tables, one after the other. DMS reads each of them at some time after its capture began; what was captured by
 * then, and may be in the load already, is remembered as the table's overlap. With `loadOverlap` off all tables are read in
 * the slot's snapshot instead (without a slot: of now), so that there is none.
 *
 * @param base what the task remembers so far; tables in `loaded` are emptied first, as an interrupted attempt filled them
 * @returns the checkpoint after the load, already written
 */
export async function loadTables(
    context: LoadTablesContext,
    base: Checkpoint,
    mapped: readonly MappedTable[],
    slot: CreatedSlot | undefined,
): Promise<Checkpoint> {
    const { faults, files, status, source, tables, log, task } = context;
    const from = slot?.consistentPoint ?? "0/0";
    log("I", "SOURCE_UNLOAD", `Full load of ${mapped.length} tables as of ${from}.`);
    const loaded = new Set(base.loaded);
    const save = (): void => {
        writeCheckpoint(files.checkpoint, { ...base, loaded: [...loaded] });
    };
    save();
    status.enter("full-load");
    await dropTargets(context, mapped);
    const { loadOverlap } = faults.current();
    if (!loadOverlap) {
        await beginSnapshot(source, slot);
    }
    const loadContext = loadContextOf(context, (name) => {
        loaded.add(name);
        save();
    });
    const mode = task.settings.FullLoadSettings.TargetTablePrepMode;
    const starts: Record<string, string> = { ...base.tables };
    const loadedRows: Record<string, number> = { ...status.current.loadedRows };
    for (const { source: table } of mapped) {
        const name = quoted(table);
        const truncates = base.loaded?.includes(name) === true || mode === "TRUNCATE_BEFORE_LOAD";
        const plan = await tables.plan(table);
        await whileHeld(context, name);
        if (loadOverlap) {
            await source.query("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY");
        }
        const rows = await loadTable(plan, truncates, loadContext);
        if (loadOverlap) {
            await source.query("COMMIT");
        }
        starts[name] = from;
        loadedRows[name] = rows;
        status.update({ loadedRows: { ...loadedRows } });
        log("I", "TARGET_LOAD", `Loaded ${rows} rows of ${name}.`);
    }
    if (!loadOverlap) {
        await source.query("COMMIT");
    }
    const done: Checkpoint = { ...base, fullLoad: "done", loaded: [], tables: starts };
    const overlaps = { ...base.overlaps };
    if (loadOverlap && slot !== undefined) {
        const end = await positionAfterLoad(source);
        for (const { source: table } of mapped) {
            overlaps[quoted(table)] = end;
        }
    }
    const checkpoint = { ...done, overlaps };
    writeCheckpoint(files.checkpoint, checkpoint);
    status.update({ position: checkpoint.position });
    return checkpoint;
}

async function beginSnapshot(source: Client, slot: CreatedSlot | undefined): Promise<void> {
    await (slot === undefined
        ? source.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        : useSnapshot(source, slot.snapshot));
}

/** A position that everything the load may have read lies before, and that the stream reaches although nobody writes. */
async function positionAfterLoad(source: Client): Promise<string> {
    const { rows } = await source.query<{ lsn: string }>(
        "SELECT pg_catalog.pg_current_wal_insert_lsn() AS lsn",
    );
    // The commit of an empty transaction that has an id goes into the WAL and is flushed.
    await source.query("BEGIN; SET LOCAL synchronous_commit = 'on'");
    await source.query("SELECT pg_catalog.pg_current_xact_id()");
    await source.query("COMMIT");
    return rows[0]?.lsn ?? "0/0";
}

/** The fault `holdLoad`: time for others to change what is captured and not yet read. */
async function whileHeld({ faults, signal, log }: TaskContext, name: string): Promise<void> {
    for (let isTold = false; faults.current().holdLoad; isTold = true) {
        if (signal.aborted) {
            throw new StopRequested();
        }
        if (!isTold) {
            log("W", "SOURCE_UNLOAD", `The load of ${name} waits (holdLoad in faults.json).`);
        }
        await pause(HOLD_POLL_MS);
    }
}

function loadContextOf(
    { source, target, rules, log, signal, faults, task }: LoadTablesContext,
    beforeCommit: (name: string) => void,
): LoadContext {
    return {
        source,
        target,
        rules,
        log,
        signal,
        faults: faults.current(),
        failOnTruncation:
            task.source.settings.failTasksOnLobTruncation ||
            task.target.settings.failTasksOnLobTruncation,
        beforeCommit: (plan) => {
            beforeCommit(quoted(plan.source));
        },
    };
}

async function dropTargets(
    { task, target, tables, log }: LoadTablesContext,
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
