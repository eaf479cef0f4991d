import type { Client } from "pg";

import type { ChangeSequence } from "./checkpoint";
import type { ControlTables } from "./controlTables";
import { isRowError, messageOf, StopRequested, TaskError } from "./errors";
import type { Faults } from "./faults";
import {
    commitTimestamp,
    formatSequence,
    type HeaderSource,
    nextSequence,
    streamPosition,
} from "./headers";
import type { Log } from "./log";
import type { TablePlan } from "./plan";
import { type Conflict, decide } from "./policy";
import { StatementRunner } from "./statementRunner";
import {
    renderChange,
    renderReplacement,
    type RenderOptions,
    type Statement,
    withLiterals,
} from "./statements";
import { quoted } from "./tableName";
import type { Tables } from "./tables";
import type { Task } from "./task";
import { type Change, parseMessage } from "./testDecoding";
import type { Transaction } from "./transactions";

const CHUNK_CHANGES = 200;
const CHUNK_CHARACTERS = 1 << 20;

/** One change, ready for the target. */
interface Work {
    readonly plan: TablePlan;
    readonly change: Change;
    readonly headers: HeaderSource;
    readonly statements: readonly Statement[];
}

export interface ApplyCounts {
    applied: number;
    dropped: number;
    conflicts: number;
}

/** What one group is applied with; faults and rules may change from group to group. */
export interface GroupOptions {
    readonly faults: Faults;
    readonly render: RenderOptions;
}

/**
 * Applies transactions in a target transaction that its owner begins and commits. Changes go out pipelined in chunks
 * behind a savepoint; a chunk that meets any conflict is rolled back and goes again row by row, so that one bad row
 * costs only itself.
 */
export class Applier {
    private readonly runner: StatementRunner;
    private hasSavepoint = false;
    private readonly errors = new Map<string, number>();

    constructor(
        private readonly task: Task,
        private readonly target: Client,
        private readonly tables: Tables,
        private readonly control: ControlTables,
        private readonly log: Log,
        private readonly signal: AbortSignal,
        public sequence: ChangeSequence,
        readonly suspended: Set<string>,
        readonly counts: ApplyCounts,
    ) {
        this.runner = new StatementRunner(target);
    }

    async apply(transaction: Transaction, options: GroupOptions): Promise<void> {
        const timestamp = commitTimestamp(transaction.commitTimestamp);
        let chunk: Work[] = [];
        let characters = 0;
        for (const { lsn, text } of transaction.read()) {
            const message = parseMessage(text);
            if (message.kind === "truncate") {
                const names = message.tables.filter((table) => this.tables.isSelected(table));
                this.drop("TRUNCATE", names.map(quoted).join(", "), "DMS does not replicate it");
                continue;
            }
            if (message.kind !== "change" || this.suspended.has(quoted(message.table))) {
                continue;
            }
            let plan = await this.tables.plan(message.table);
            if (this.tables.isOutdated(plan, message)) {
                await this.run(chunk, options);
                chunk = [];
                characters = 0;
                plan = await this.tables.refresh(plan, message);
            }
            const sequence = nextSequence(this.sequence, timestamp);
            const headers: HeaderSource = {
                operation: message.operation,
                timestamp,
                position: streamPosition(
                    options.faults.streamPosition,
                    message.operation,
                    lsn,
                    transaction.endLsn,
                ),
                changeSeq: formatSequence(sequence),
            };
            const rendered = renderChange(plan, message, headers, options.render);
            if ("dropped" in rendered) {
                this.drop(message.operation.toUpperCase(), quoted(plan.source), rendered.dropped);
                continue;
            }
            this.sequence = sequence;
            this.reportTruncation(plan, rendered.truncatedLobs);
            chunk.push({ plan, change: message, headers, statements: rendered.statements });
            characters += text.length;
            if (chunk.length >= CHUNK_CHANGES || characters >= CHUNK_CHARACTERS) {
                await this.run(chunk, options);
                chunk = [];
                characters = 0;
            }
        }
        await this.run(chunk, options);
    }

    /** The owner has begun a new target transaction. */
    begun(): void {
        this.hasSavepoint = false;
    }

    private async run(chunk: readonly Work[], options: GroupOptions): Promise<void> {
        if (this.signal.aborted) {
            throw new StopRequested();
        }
        if (chunk.length === 0) {
            return;
        }
        const statements = chunk.flatMap((work) => work.statements);
        const release = this.hasSavepoint ? "RELEASE SAVEPOINT awsdms_chunk; " : "";
        this.hasSavepoint = true;
        const [begun, ...results] = await Promise.allSettled([
            this.target.query(`${release}SAVEPOINT awsdms_chunk`),
            ...statements.map((statement) => this.runner.run(statement)),
        ]);
        if (begun.status === "rejected") {
            throw begun.reason;
        }
        const failed = results.find((result) => result.status === "rejected");
        if (failed !== undefined && !isRowError(failed.reason)) {
            throw failed.reason;
        }
        const isClean = results.every(
            (result, at) =>
                result.status === "fulfilled" &&
                (result.value > 0 || statements[at]?.expectsRow === false),
        );
        if (!isClean) {
            this.runner.forgetUnproven();
            await this.target.query("ROLLBACK TO SAVEPOINT awsdms_chunk");
            for (const work of chunk) {
                await this.runAlone(work, options);
            }
        } else {
            this.counts.applied += chunk.length;
        }
    }

    private async runAlone(work: Work, options: GroupOptions): Promise<void> {
        if (this.suspended.has(quoted(work.plan.source))) {
            return;
        }
        const conflict = await this.attempt(work.statements);
        if (conflict === undefined) {
            this.counts.applied += 1;
            return;
        }
        this.counts.conflicts += 1;
        const name = quoted(work.plan.source);
        const errors = this.errors.get(name) ?? 0;
        this.errors.set(name, errors + 1);
        const { operation } = work.change;
        const settings = this.task.settings.ErrorBehavior;
        const asUpdate = work.plan.flagsDeletes;
        switch (decide(operation, asUpdate, conflict, settings, errors)) {
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
            case "replace":
                await this.replace(work, conflict, options);
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

    private async replace(work: Work, cause: Conflict, options: GroupOptions): Promise<void> {
        const { plan, change, headers } = work;
        const statements = renderReplacement(plan, change, headers, options.render);
        const conflict = await this.attempt(statements);
        if (conflict === undefined) {
            this.counts.applied += 1;
        } else {
            await this.logError(
                { ...work, statements },
                conflict.kind === "error" ? conflict : cause,
            );
        }
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

    private drop(operation: string, table: string, why: string): void {
        this.counts.dropped += 1;
        this.log("W", "SOURCE_CAPTURE", `${operation} of ${table} is not applied: ${why}.`);
    }

    private reportTruncation(plan: TablePlan, columns: readonly string[]): void {
        for (const column of columns) {
            const message = `A value of ${quoted(plan.source)}."${column}" is longer than LobMaxSize and was cut.`;
            const { source, target } = this.task;
            if (
                source.settings.failTasksOnLobTruncation ||
                target.settings.failTasksOnLobTruncation
            ) {
                throw new TaskError(`${message} (FailTasksOnLobTruncation is on.)`);
            }
            this.log("W", "SOURCE_CAPTURE", message);
        }
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
