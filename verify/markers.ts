import { setTimeout as pause } from "node:timers/promises";
import { renderSql } from "../database/sqlTemplate";
import { PlainError } from "../text/errors";
import type { Database } from "./database";

const LOOK_EVERY_MS = 10;

/** A point in the source's commit order, as the audit side knows it. */
export interface Marker {
    /** The target transaction that brought it; earlier ones brought nothing that was committed after it. */
    readonly appliedXid: string;
    /** ISO 8601, UTC, microseconds. */
    readonly commitTime: string;
}

/** A marker did not arrive: replication stands still or is far behind. */
export class MarkerLate extends PlainError {}

/** Commits markers at the source and waits for them on the audit side. */
export class Markers {
    private readonly insert = renderSql("sql/verify/marker.sql");
    private readonly arrival = renderSql("sql/verify/marker_arrival.sql");

    constructor(
        private readonly source: Database,
        private readonly audit: Database,
        private readonly timeoutMs: number,
    ) {}

    /**
     * Resolves once everything that was committed at the source before this call has been applied on the audit side.
     *
     * @throws MarkerLate after the deadline
     */
    async pass(): Promise<Marker> {
        const { id, created_at } = await this.source.row<{ id: string; created_at: string }>(
            this.insert,
        );
        const deadline = Date.now() + this.timeoutMs;
        for (;;) {
            const [found] = await this.audit.rows<{ applied_xid: string; commit_time: string }>(
                this.arrival,
                [id, created_at],
            );
            if (found !== undefined) {
                return { appliedXid: found.applied_xid, commitTime: found.commit_time };
            }
            if (Date.now() > deadline) {
                throw new MarkerLate(
                    `A marker that the source committed has not reached the audit side within ${this.timeoutMs / 1000} seconds: replication stands still or is far behind.`,
                );
            }
            await pause(LOOK_EVERY_MS);
        }
    }
}
