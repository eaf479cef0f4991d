import type { Client } from "pg";
import { messageOf } from "../../../text/errors";
import type { Change } from "../capture/testDecoding";
import type { GroupOptions } from "../context";
import { isRowError, TaskError } from "../errors";
import type { Log } from "../log";
import { quoted } from "../tableName";
import type { Task } from "../task/task";
import { renderReplacement, type Statement, withLiterals } from "./changeStatements";
import type { ControlTables } from "./controlTables";
import { type Conflict, decide, type Decision, isKeyConflict } from "./errorPolicy";
import type { HeaderSource } from "./headerValues";
import type { StatementRunner } from "./statementRunner";
import type { TablePlan } from "./tablePlan";

/** One change, ready for the target. */
export interface Work {
    readonly plan: TablePlan;
    readonly change: Change;
    readonly headers: HeaderSource;
    readonly statements: readonly Statement[];
    /** Whether the table's load may hold the change already: conflicts are then no errors (FullLoadIgnoreConflicts). */
    readonly mayBeLoaded: boolean;
}

export interface ApplyCounts {
    applied: number;
    dropped: number;
    conflicts: number;
}

/** Applies changes row by row and does what the error policies say when one meets a conflict. */
export class CarefulApplier {
    private readonly errors = new Map<string, number>();

    constructor(
        private readonly task: Task,
        private readonly target: Client,
        private readonly runner: StatementRunner,
        private readonly control: ControlTables,
        private readonly log: Log,
        private readonly suspended: Set<string>,
        private readonly counts: ApplyCounts,
    ) {}

    /** Applies one change inside the open target transaction; only STOP_TASK and lost connections throw. */
    async apply(work: Work, options: GroupOptions): Promise<void> {
        if (this.suspended.has(quoted(work.plan.source))) {
            return;
        }
        const conflict = await this.attempt(work.statements);
        if (conflict === undefined) {
            this.counts.applied += 1;
            return;
        }
        if (work.mayBeLoaded && isKeyConflict(conflict)) {
            this.counts.dropped += 1;
            return;
        }
        this.counts.conflicts += 1;
        const name = quoted(work.plan.source);
        this.errors.set(name, (this.errors.get(name) ?? 0) + 1);
        const decision = this.decide(work, conflict, options);
        if (decision === "replace") {
            await this.replace(work, conflict, options);
        } else {
            await this.obey(decision, work, conflict);
        }
    }

    private decide(work: Work, conflict: Conflict, options: GroupOptions): Decision {
        const before = (this.errors.get(quoted(work.plan.source)) ?? 1) - 1;
        const asUpdate = work.plan.flagsDeletes && options.faults.flaggedDeletePolicy === "update";
        const settings = this.task.settings.ErrorBehavior;
        return decide(work.change.operation, asUpdate, conflict, settings, before);
    }

    private async obey(
        decision: Exclude<Decision, "replace">,
        work: Work,
        conflict: Conflict,
    ): Promise<void> {
        switch (decision) {
            case "ignore":
                return;
            case "log":
                await this.logError(work, conflict);
                return;
            case "suspend":
                await this.suspend(work, conflict);
                return;
            case "stop":
                throw new TaskError(`The task stops at ${describe(work, conflict)}`);
        }
    }

    /** Runs the statements behind a savepoint; a conflict leaves nothing of them. */
    private async attempt(statements: readonly Statement[]): Promise<Conflict | undefined> {
        await this.target.query("SAVEPOINT awsdms_row");
        let conflict: Conflict | undefined;
        try {
            for (const statement of statements) {
                if ((await this.runner.run(statement)) === 0 && statement.expectsRow) {
                    conflict = { kind: "noRow" };
                    break;
                }
            }
        } catch (error) {
            if (!isRowError(error)) {
                throw error;
            }
            this.runner.forgetUnproven();
            conflict = { kind: "error", error };
        }
        await this.target.query(
            conflict === undefined
                ? "RELEASE SAVEPOINT awsdms_row"
                : "ROLLBACK TO SAVEPOINT awsdms_row; RELEASE SAVEPOINT awsdms_row",
        );
        return conflict;
    }

    /** A replacement that fails too obeys the policy of what it met: a value that the table refuses is a data error. */
    private async replace(work: Work, cause: Conflict, options: GroupOptions): Promise<void> {
        const { plan, change, headers } = work;
        const statements = renderReplacement(plan, change, headers, options.render);
        const conflict = await this.attempt(statements);
        if (conflict === undefined) {
            this.counts.applied += 1;
            return;
        }
        const met = conflict.kind === "error" ? conflict : cause;
        const decision = this.decide(work, met, options);
        await this.obey(decision === "replace" ? "log" : decision, { ...work, statements }, met);
    }

    private async logError(work: Work, conflict: Conflict): Promise<void> {
        this.log("E", "TARGET_APPLY", describe(work, conflict));
        await this.target.query("SAVEPOINT awsdms_exception");
        try {
            await this.control.addException(
                this.target,
                work.plan.target,
                work.statements.map(withLiterals).join("; "),
                reason(conflict),
            );
            await this.target.query("RELEASE SAVEPOINT awsdms_exception");
        } catch (error) {
            if (!isRowError(error)) {
                throw error;
            }
            await this.target.query("ROLLBACK TO SAVEPOINT awsdms_exception");
            this.log(
                "E",
                "TARGET_APPLY",
                `awsdms_apply_exceptions could not be written: ${messageOf(error)}`,
            );
        }
    }

    private async suspend(work: Work, conflict: Conflict): Promise<void> {
        const name = quoted(work.plan.source);
        await this.logError(work, conflict);
        await this.control.addSuspended(this.target, work.plan.source, "TABLE_ERROR");
        this.suspended.add(name);
        this.log(
            "E",
            "TASK_MANAGER",
            `The table ${name} is suspended: its changes are lost from now on.`,
        );
    }
}

function describe(work: Work, conflict: Conflict): string {
    const { change, headers, plan } = work;
    return (
        `${change.operation.toUpperCase()} of ${quoted(plan.source)} at ${headers.position} into ` +
        `${quoted(plan.target)}: ${reason(conflict)}`
    );
}

function reason(conflict: Conflict): string {
    return conflict.kind === "noRow" ? "0 rows affected" : messageOf(conflict.error);
}
