import type { Client } from "pg";

import { type Checkpoint, writeCheckpoint } from "./checkpoint";
import type { TaskContext } from "./context";
import { type LoadContext, loadTable, useSnapshot } from "./fullLoad";
import type { MappedTable } from "./mapping";
import type { CreatedSlot } from "./slot";
import { quoted } from "./tableName";
import type { Tables } from "./tables";
import type { ValueRules } from "./values";

export interface LoadTablesContext extends TaskContext {
    readonly source: Client;
    readonly target: Client;
    readonly tables: Tables;
    readonly rules: ValueRules;
}

/**
 * Loads tables, one after the other, from the slot's snapshot or, without a slot, from a snapshot of now.
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
    const { files, status, source, tables, log, task } = context;
    const from = slot?.consistentPoint ?? "0/0";
    log("I", "SOURCE_UNLOAD", `Full load of ${mapped.length} tables as of ${from}.`);
    const loaded = new Set(base.loaded);
    const save = (): void => {
        writeCheckpoint(files.checkpoint, { ...base, loaded: [...loaded] });
    };
    save();
    status.enter("full-load");
    await dropTargets(context, mapped);
    await (slot === undefined
        ? source.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        : useSnapshot(source, slot.snapshot));
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
        const rows = await loadTable(await tables.plan(table), truncates, loadContext);
        starts[name] = from;
        loadedRows[name] = rows;
        status.update({ loadedRows: { ...loadedRows } });
        log("I", "TARGET_LOAD", `Loaded ${rows} rows of ${name}.`);
    }
    await source.query("COMMIT");
    const done: Checkpoint = { ...base, fullLoad: "done", loaded: [], tables: starts };
    writeCheckpoint(files.checkpoint, done);
    status.update({ position: done.position });
    return done;
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
