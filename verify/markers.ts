import { setTimeout as pause } from "node:timers/promises";
import { renderSql, type SqlFile } from "../database/sqlTemplate";
import { PlainError } from "../text/errors";
import { trailNames } from "../trail/names";
import { roles } from "../trail/rolesAndSchemas";
import { DEFAULT_GROUP, markerOf } from "../trail/tableGroups";
import type { Database } from "./database";
import { type ApplyStep, lagOf, LATE, MarkerWait } from "./markerWait";
import type { VerifyProgress } from "./progress";
import type { VerifyOptions } from "./report";
import { readTaskSlots } from "./slotChecks";

const LOOK_EVERY_MS = 10;

/** How often it is looked whether the task gets on. */
const LOOK_AT_TASK_EVERY_MS = 1_000;

/** A point in the source's commit order, as the audit side knows it. */
export interface Marker {
    /** The target transaction that brought it; earlier ones brought nothing that was committed after it. */
    readonly appliedXid: string;
    /** ISO 8601, UTC, microseconds. */
    readonly commitTime: string;
}

/** A marker did not arrive. */
export class MarkerLate extends PlainError {}

/** How long verify waits for a marker, and whom it tells. */
interface MarkerSettings {
    /** How long the task may stand still, in milliseconds. */
    readonly markerTimeoutMs: number;
    readonly progress: VerifyProgress;
    /** See {@link VerifyOptions}. */
    readonly taskFailure: Required<VerifyOptions>["taskFailure"];
}

/** Commits markers at the source and waits until one group's task has brought them to the audit side. */
export class Markers {
    private readonly insert = renderSql("sql/verify/marker.sql");
    private readonly arrival: SqlFile;
    private readonly sessions: SqlFile;

    constructor(
        private readonly source: Database,
        private readonly audit: Database,
        private readonly settings: MarkerSettings,
        /** The group whose task is waited for. */
        readonly group: string,
        /** How many groups there are. */
        private readonly groups: number,
    ) {
        const { auditLog } = trailNames(markerOf(group));
        this.arrival = renderSql("sql/verify/marker_arrival.sql", { audit_log: auditLog });
        this.sessions = renderSql("sql/verify/apply_sessions.sql", { dms: roles.target, group });
    }

    /**
     * Resolves once everything that was committed at the source before this call, to tables of the group, has been applied
     * on the audit side: it waits as long as the task gets on.
     *
     * @throws MarkerLate once the task has stood still for the time, or has failed
     */
    async pass(): Promise<Marker> {
        const { id, created_at } = await this.source.row<{ id: string; created_at: string }>(
            this.insert,
        );
        const { markerTimeoutMs, progress } = this.settings;
        const wait = new MarkerWait(markerTimeoutMs, Date.now(), this.groups);
        const lookEveryMs = Math.min(LOOK_AT_TASK_EVERY_MS, markerTimeoutMs / 2);
        let nextLook = Date.now() + lookEveryMs;
        for (;;) {
            const [found] = await this.audit.rows<{ applied_xid: string; commit_time: string }>(
                this.arrival,
                [id, created_at],
            );
            if (found !== undefined) {
                return { appliedXid: found.applied_xid, commitTime: found.commit_time };
            }
            if (Date.now() >= nextLook) {
                const { slots } = await readTaskSlots(this.source, this.audit, this.groups);
                const applying = await this.audit.rows<ApplyStep>(this.sessions);
                const late =
                    lateByFailure(await this.settings.taskFailure(this.group)) ??
                    wait.look({ at: Date.now(), slots, applying });
                if (late !== undefined) {
                    throw new MarkerLate(
                        this.group === DEFAULT_GROUP ? late : `The group ${this.group}: ${late}`,
                    );
                }
                progress.step(`waiting for the task: ${lagOf(slots)}`);
                nextLook = Date.now() + lookEveryMs;
            }
            await pause(LOOK_EVERY_MS);
        }
    }
}

function lateByFailure(failure: string | undefined): string | undefined {
    return failure === undefined ? undefined : `${LATE}: ${failure}.`;
}
