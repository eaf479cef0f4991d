import { renderSql } from "../database/sqlTemplate";
import { roles } from "../trail/rolesAndSchemas";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import type { Check } from "./report";

/** A replication slot as `pg_replication_slots` shows it. */
export interface Slot {
    readonly slot_name: string;
    readonly active: boolean;
    /** Whether the trail's user of the source reads from it now. */
    readonly is_read_by_dms: boolean;
    readonly wal_status: string | null;
    readonly lag_bytes: string | null;
    /** Bytes since the beginning of all WAL, as the next two: where the source's WAL ends. */
    readonly wal_end: string;
    readonly confirmed: string | null;
    /** What its reader was sent; null where nobody reads or this user may not see it. */
    readonly sent: string | null;
}

/** The task's slots among all, and what is to be remembered of them. */
export interface TaskSlots {
    readonly slots: readonly Slot[];
    /** Names; undefined when nothing shows whose the slots are. */
    readonly remember: readonly string[] | undefined;
}

/**
 * The slots from which the tasks read: there must be one for each group, in use, with all its WAL. The audit side remembers
 * their names: one that is gone since, or another than then, makes a gap.
 *
 * @param groups how many groups there are
 * @param running the groups whose tasks have just brought a marker
 */
export async function checkSlots(
    source: Database,
    audit: Database,
    groups: number,
    running: readonly string[],
): Promise<Check> {
    const { slots, remember } = await readTaskSlots(source, audit, groups);
    if (remember !== undefined) {
        await audit.rows(renderSql("sql/verify/observe_slots.sql"), [remember, running]);
    }
    return judgeSlots(slots, groups);
}

/** The tasks' slots as they are now. */
export async function readTaskSlots(
    source: Database,
    audit: Database,
    groups: number,
): Promise<TaskSlots> {
    const script = renderSql("sql/verify/task_slots.sql", { dms: roles.source });
    const all = await source.rows<Slot>(script);
    const [known] = await audit.rows<{ slots: string[] }>(renderSql("sql/verify/known_slots.sql"));
    return taskSlots(all, known?.slots, groups);
}

/**
 * Tells the tasks' slots from those of others, such as a developer's: DMS names them, so the program knows no name. They are
 * those that the trail's user reads from; as far as it reads from fewer than there are tasks, also those that they were when
 * somebody looked last; and before that, or once those are gone, whichever are in use.
 *
 * @param known names from the last look, undefined before the first
 * @param groups how many tasks there are
 */
export function taskSlots(
    all: readonly Slot[],
    known: readonly string[] | undefined,
    groups = 1,
): TaskSlots {
    const names = (slots: readonly Slot[]): string[] => slots.map(({ slot_name }) => slot_name);
    const read = all.filter(({ active, is_read_by_dms }) => active && is_read_by_dms);
    const remembered = all.filter(({ slot_name }) => known?.includes(slot_name) === true);
    const inUse = all.filter(({ active }) => active);
    const ours =
        read.length < groups
            ? all.filter((slot) => read.includes(slot) || remembered.includes(slot))
            : read;
    const [found] = [ours, inUse].filter(({ length }) => length > 0);
    if (found !== undefined) {
        return { slots: found, remember: names(found) };
    }
    return known === undefined ? { slots: all, remember: undefined } : { slots: [], remember: [] };
}

/** See {@link checkSlots}. */
export function judgeSlots(slots: readonly Slot[], groups = 1): Check {
    const findings = slots.flatMap(({ slot_name, active, wal_status }) => [
        ...(active ? [] : [`${slot_name} is not in use: the DMS task does not run`]),
        ...(wal_status === "lost" || wal_status === "unreserved"
            ? [`${slot_name} has the WAL status "${wal_status}": changes are lost or about to be`]
            : []),
    ]);
    if (slots.length > 0 && slots.length < groups) {
        findings.push(
            `the source has ${slots.length} slots of DMS tasks for ${groups} groups of tables: the changes of a group without one are not kept for anyone`,
        );
    }
    if (slots.length === 0) {
        findings.push("the source has no slot of a DMS task: its changes are not kept for anyone");
    }
    const fine = slots
        .map(({ slot_name, lag_bytes }) => `${slot_name} is ${lag_bytes ?? "?"} bytes behind`)
        .join("; ");
    return checkOf("replication slot", findings, fine);
}
