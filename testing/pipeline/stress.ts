import { setTimeout as pause } from "node:timers/promises";
import { type Client, DatabaseError } from "pg";
import { disconnect } from "../../local/dms/connection";
import { trailNames } from "../../trail/names";
import type { TableName } from "../../trail/tableDefinition";
import type { Pipeline } from "./pipeline";
import { qualified } from "./tables";

export type AuditDeed = "update" | "lose a partition" | "maintain" | "audit";

/** What a person holds a transaction open for, in milliseconds: longer than many changes, shorter than the trail's patience. */
const AUDIT_MS = 900;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * What the people on the audit side do while DMS writes: the program's updates, maintenance that lacks a partition, long
 * transactions of auditors. Each is one call, to be made beside the others.
 */
export class Deeds {
    /** How often each was done to its end. */
    readonly done = new Map<AuditDeed, number>();

    constructor(
        private readonly pipeline: Pipeline,
        private readonly tables: readonly TableName[],
    ) {}

    /** The program's update of all tables, for the columns that the source has now. */
    async update(): Promise<void> {
        await this.pipeline.redeploy();
        this.count("update");
    }

    /** `CALL audit_trail.maintain()` when next month has no partition. */
    async maintain(): Promise<void> {
        await this.as("master", async (master) => {
            for (const table of this.tables) {
                if (await dropNextPartition(master, table)) {
                    this.count("lose a partition");
                }
            }
        });
        await this.as("operator", (operator) => operator.query("CALL audit_trail.maintain()"));
        this.count("maintain");
    }

    /** An auditor who reads every log in one transaction, and takes time between them. */
    async audit(): Promise<void> {
        await this.as("reader", async (reader) => {
            await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
            for (const table of this.tables) {
                await reader.query(`SELECT count(*) FROM ${log(table)}`);
                await pause(AUDIT_MS / this.tables.length);
            }
            await reader.query("COMMIT");
        });
        this.count("audit");
    }

    private async as(
        user: "master" | "operator" | "reader",
        work: (client: Client) => Promise<unknown>,
    ): Promise<void> {
        const client = await this.pipeline.auditSessionOf(user);
        try {
            await work(client);
        } finally {
            await disconnect(client);
        }
    }

    private count(deed: AuditDeed): void {
        this.done.set(deed, (this.done.get(deed) ?? 0) + 1);
    }
}

/**
 * Takes the coming month's partition from a log, as if the month had come unprepared; answers whether it could, which
 * somebody with a long transaction prevents.
 */
async function dropNextPartition(master: Client, table: TableName): Promise<boolean> {
    const month = new Date();
    month.setUTCDate(1);
    month.setUTCMonth(month.getUTCMonth() + 1);
    const [year, number] = month.toISOString().split("-");
    const name = `${trailNames(table).partitionPrefix}y${year ?? ""}m${number ?? ""}`;
    const partition = qualified({ ...table, table: name });
    await master.query("BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL ROLE audit_trail_owner");
    try {
        await master.query(`DROP TABLE IF EXISTS ${partition}`);
        await master.query("COMMIT");
        return true;
    } catch (error) {
        await master.query("ROLLBACK");
        if (!(error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE)) {
            throw error;
        }
        return false;
    }
}

function log(table: TableName): string {
    return qualified({ ...table, table: trailNames(table).auditLog });
}
