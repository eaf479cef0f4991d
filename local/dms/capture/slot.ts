import { createHash } from "node:crypto";
import { type Client, escapeIdentifier } from "pg";
import { TaskError } from "../errors";

/** The name of a task's own slot: 63 characters at most, only those PostgreSQL allows. */
export function slotName(taskIdentifier: string): string {
    const readable = taskIdentifier.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
    const digest = createHash("sha256").update(taskIdentifier).digest("hex").slice(0, 8);
    return `awsdms_${readable.slice(0, 40)}_${digest}`;
}

export interface CreatedSlot {
    /** Changes that commit after this position are in the slot, earlier ones in the snapshot. */
    readonly consistentPoint: string;
    /** Valid while the replication connection stays open and idle. */
    readonly snapshot: string;
}

/** Creates the slot and exports the snapshot that fits it; waits for the transactions that are open now. */
export async function createSlot(
    replication: Client,
    name: string,
    kind: "lasting" | "temporary",
): Promise<CreatedSlot> {
    const temporary = kind === "temporary" ? "TEMPORARY " : "";
    const { rows } = await replication.query<{ consistent_point: string; snapshot_name: string }>(
        `CREATE_REPLICATION_SLOT ${escapeIdentifier(name)} ${temporary}LOGICAL test_decoding EXPORT_SNAPSHOT`,
    );
    const [row] = rows;
    if (row === undefined) {
        throw new TaskError(`The source did not create the replication slot ${name}.`);
    }
    return { consistentPoint: row.consistent_point, snapshot: row.snapshot_name };
}

/** How long the server may take to end the making of a slot, in milliseconds. */
const END_WITHIN_MS = 5_000;

/**
 * Ends the making of a slot that waits for open transactions. The server does not notice by itself that nobody wants it any
 * more, and goes on until they end. A slot that is made is left alone.
 */
export async function abandonSlot(source: Client, name: string): Promise<void> {
    await source.query(
        "SELECT pg_catalog.pg_terminate_backend(active_pid, $2) FROM pg_catalog.pg_replication_slots " +
            "WHERE slot_name = $1 AND active_pid IS NOT NULL AND confirmed_flush_lsn IS NULL",
        [name, END_WITHIN_MS],
    );
}

/** Drops the slot if it exists; it must not be in use. */
export async function dropSlot(source: Client, name: string): Promise<void> {
    await abandonSlot(source, name);
    await source.query(
        "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
        [name],
    );
}

/** Fails when the slot is gone or the source no longer has the WAL it needs: changes are then lost. */
export async function requireSlot(source: Client, name: string): Promise<void> {
    const { rows } = await source.query<{ plugin: string; wal_status: string | null }>(
        "SELECT plugin, wal_status FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
        [name],
    );
    const [slot] = rows;
    if (slot === undefined) {
        throw new TaskError(
            `The replication slot ${name} is gone from the source: changes since the last confirmed ` +
                "position are lost, so the task must be created again with a full load.",
        );
    }
    if (slot.wal_status === "lost") {
        throw new TaskError(
            `The source no longer has the WAL that the replication slot ${name} needs: the task must be ` +
                "created again with a full load.",
        );
    }
    if (slot.plugin !== "test_decoding") {
        throw new TaskError(`The replication slot ${name} uses ${slot.plugin}, not test_decoding.`);
    }
}
