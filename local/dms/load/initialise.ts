import { withNewSlot } from "../capture/newSlot";
import { dropSlot, requireSlot, slotName } from "../capture/slot";
import { quoted } from "../tableName";
import {
    type Checkpoint,
    FIRST_SEQUENCE,
    readCheckpoint,
    writeCheckpoint,
} from "../task/checkpoint";
import type { MappedTable } from "../task/mapping";
import { loadTables, type LoadTablesContext } from "./loadTables";
import { withoutLoads } from "./reload";

const START: Checkpoint = {
    slot: "",
    fullLoad: "loading",
    tables: {},
    position: "0/0",
    changeSequence: FIRST_SEQUENCE,
    suspended: [],
};

/** At the first start: slot, snapshot and full load as the migration type wants them. Later: the checkpoint. */
export async function initialise(context: LoadTablesContext): Promise<Checkpoint> {
    const mapped = await context.tables.all();
    const begun = await begin(context, mapped);
    const checkpoint = { ...begun, mapped: mapped.map(({ source }) => quoted(source)) };
    writeCheckpoint(context.files.checkpoint, checkpoint);
    return checkpoint;
}

async function begin(
    context: LoadTablesContext,
    mapped: readonly MappedTable[],
): Promise<Checkpoint> {
    const { checkpoint, task } = context;
    if (checkpoint?.fullLoad === "done") {
        return await resume(context, checkpoint, mapped);
    }
    switch (task.migrationType) {
        case "cdc":
            return await startCdc(context, mapped);
        case "full-load":
            return await loadTables(context, interrupted(context), mapped, undefined);
        case "full-load-and-cdc": {
            const base = { ...interrupted(context), slot: slotName(task.identifier) };
            await dropSlot(context.source, base.slot);
            return await withNewSlot(context, base.slot, "lasting", async (created) => {
                const position = created.consistentPoint;
                return await loadTables(context, { ...base, position }, mapped, created);
            });
        }
    }
}

/** What an interrupted first start remembers. */
function interrupted({ files }: LoadTablesContext): Checkpoint {
    return { ...START, ...readCheckpoint(files.checkpoint) };
}

/**
 * Tables that joined the mapping since the last start are loaded; the others go on. What was in the mapping before that goes on
 * too: the task remembers its load. The fault `loadsReturning` is for a task that forgets it.
 */
async function resume(
    context: LoadTablesContext,
    known: Checkpoint,
    mapped: readonly MappedTable[],
): Promise<Checkpoint> {
    const before = known.mapped;
    const returning =
        context.faults.current().loadsReturning && before !== undefined
            ? mapped.filter(({ source }) => !before.includes(quoted(source)))
            : [];
    const checkpoint = withoutLoads(
        known,
        returning.map(({ source }) => source),
    );
    const fresh = mapped.filter(({ source }) => checkpoint.tables[quoted(source)] === undefined);
    const { migrationType } = context.task;
    if (fresh.length > 0 && migrationType === "full-load-and-cdc") {
        await requireSlot(context.source, checkpoint.slot);
        const slot = `${checkpoint.slot.slice(0, 58)}_load`;
        return await withNewSlot(context, slot, "temporary", async (created) => {
            return await loadTables(context, checkpoint, fresh, created);
        });
    }
    for (const { source } of mapped) {
        await context.tables.plan(source);
    }
    return checkpoint;
}

async function startCdc(
    context: LoadTablesContext,
    mapped: readonly MappedTable[],
): Promise<Checkpoint> {
    const { task, source, files, status } = context;
    const tables = Object.fromEntries(mapped.map((table) => [quoted(table.source), "0/0"]));
    const save = (slot: string, position: string): Checkpoint => {
        const checkpoint: Checkpoint = { ...START, slot, position, tables, fullLoad: "done" };
        writeCheckpoint(files.checkpoint, checkpoint);
        status.update({ position });
        return checkpoint;
    };
    const given = task.source.settings.slotName;
    if (given !== undefined) {
        await requireSlot(source, given);
        return save(given, "0/0");
    }
    const slot = slotName(task.identifier);
    await dropSlot(source, slot);
    return await withNewSlot(context, slot, "lasting", ({ consistentPoint }) =>
        Promise.resolve(save(slot, consistentPoint)),
    );
}
