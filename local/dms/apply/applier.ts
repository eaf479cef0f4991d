import type { Client } from "pg";
import { messageOf } from "../../../text/errors";
import { type Change, parseMessage } from "../capture/testDecoding";
import type { Transaction } from "../capture/transactions";
import type { GroupOptions } from "../context";
import { isRowError, TaskError } from "../errors";
import type { Log } from "../log";
import { StopRequested } from "../signals";
import { quoted, type TableName } from "../tableName";
import type { ChangeSequence } from "../task/checkpoint";
import type { Task } from "../task/task";
import { renderChange } from "./changeStatements";
import { type ApplyCounts, CarefulApplier, type Work } from "./conflicts";
import type { ControlTables } from "./controlTables";
import {
    commitTimestamp,
    formatSequence,
    type HeaderSource,
    nextSequence,
    streamPosition,
} from "./headerValues";
import { StatementRunner } from "./statementRunner";
import type { TablePlan } from "./tablePlan";
import type { Tables } from "./taskTables";

const CHUNK_CHANGES = 200;
const CHUNK_CHARACTERS = 1 << 20;

/**
 * Applies transactions in a target transaction of its own, which `commit()` ends. Changes go out pipelined in chunks
 * behind a savepoint; a chunk that meets any conflict is rolled back and goes again row by row, so that one bad row
 * costs only itself.
 */
export class Applier {
    private readonly runner: StatementRunner;
    private readonly careful: CarefulApplier;
    private chunk: Work[] = [];
    private characters = 0;
    private isOpen = false;
    private hasSavepoint = false;
    private commitsToLive: number | undefined;

    constructor(
        private readonly task: Task,
        private readonly target: Client,
        private readonly tables: Tables,
        control: ControlTables,
        private readonly log: Log,
        private readonly signal: AbortSignal,
        public sequence: ChangeSequence,
        readonly suspended: Set<string>,
        /** Quoted source tables and the WAL position up to which their full load holds their changes. */
        readonly starts: Map<string, bigint>,
        /** The same for those whose load may hold later changes too, and up to where. */
        readonly overlaps: ReadonlyMap<string, bigint>,
        readonly counts: ApplyCounts,
    ) {
        this.runner = new StatementRunner(target);
        this.careful = new CarefulApplier(
            task,
            target,
            this.runner,
            control,
            log,
            suspended,
            counts,
        );
    }

    /**
     * Takes a transaction into the open group; all of it is on its way to the target when `commit()` returns.
     *
     * @param only the quoted source tables whose changes are wanted, all by default
     */
    async apply(
        transaction: Transaction,
        options: GroupOptions,
        only: (table: string) => boolean = () => true,
    ): Promise<void> {
        const { splitTransactions } = options.faults;
        const timestamp = commitTimestamp(transaction.commitTimestamp);
        let part = 0;
        for (const { lsn, text } of transaction.read()) {
            const message = parseMessage(text);
            if (message.kind === "truncate") {
                this.dropTruncate(message.tables.filter((table) => only(quoted(table))));
            } else if (message.kind === "change" && only(quoted(message.table))) {
                await this.applyChange(message, lsn, timestamp, transaction, options);
                this.characters += text.length;
                part += 1;
                if (part === splitTransactions) {
                    await this.commit(options);
                    part = 0;
                }
            }
        }
    }

    private async applyChange(
        message: Change,
        lsn: bigint,
        timestamp: string,
        { endLsn }: Transaction,
        options: GroupOptions,
    ): Promise<void> {
        const name = quoted(message.table);
        const start = this.startOf(name);
        const isOlder = endLsn <= start;
        if (this.suspended.has(name) || (isOlder && !options.faults.replayBeforeLoad)) {
            return;
        }
        const plan = await this.planFor(message, options);
        const { lobLookup, streamPosition: form } = options.faults;
        const change = lobLookup ? await this.tables.withLobsOfNow(plan, message) : message;
        const sequence = nextSequence(this.sequence, timestamp);
        const { operation } = change;
        const headers: HeaderSource = {
            operation,
            timestamp,
            position: streamPosition(form, operation, lsn, endLsn),
            changeSeq: formatSequence(sequence),
        };
        const rendered = renderChange(plan, change, headers, options.render);
        if ("dropped" in rendered) {
            this.drop(operation.toUpperCase(), quoted(plan.source), rendered.dropped);
            return;
        }
        this.sequence = sequence;
        this.reportTruncation(plan, rendered.truncatedLobs);
        const mayBeLoaded = !isOlder && endLsn <= (this.overlaps.get(name) ?? start);
        const work = { plan, change, headers, mayBeLoaded };
        if (options.faults.lobTwoStep === "own transaction" && rendered.statements.length > 1) {
            for (const statement of rendered.statements) {
                await this.add({ ...work, statements: [statement] }, options);
                await this.commit(options);
            }
        } else {
            await this.add({ ...work, statements: rendered.statements }, options);
        }
    }

    private async add(work: Work, options: GroupOptions): Promise<void> {
        if (this.suspended.has(quoted(work.plan.source))) {
            return;
        }
        this.chunk.push(work);
        if (this.chunk.length >= CHUNK_CHANGES || this.characters >= CHUNK_CHARACTERS) {
            await this.flush(options);
        }
    }

    /** Commits the group. A refusal by the target (a deferred constraint) fails the task. */
    async commit(options: GroupOptions): Promise<void> {
        await this.flush(options);
        if (!this.isOpen) {
            return;
        }
        this.isOpen = false;
        this.hasSavepoint = false;
        await this.sendCommit();
        this.dieIfAsked(options.faults.killBeforeConfirm);
    }

    private async sendCommit(): Promise<void> {
        try {
            const { command } = await this.target.query("COMMIT");
            if (command !== "COMMIT") {
                throw new TaskError(
                    "The target rolled a group of changes back instead of committing it.",
                );
            }
        } catch (error) {
            if (isRowError(error)) {
                throw new TaskError(`The target refused the commit: ${messageOf(error)}`, {
                    cause: error,
                });
            }
            throw error;
        }
    }

    /** The process ends like one that crashed: what the target has now, nothing here remembers. */
    private dieIfAsked(kill: boolean | number): void {
        this.commitsToLive = kill === false ? undefined : (this.commitsToLive ?? Number(kill)) - 1;
        if (this.commitsToLive === 0) {
            process.kill(process.pid, "SIGKILL");
        }
    }

    /** A table that was made while the task runs has no full load. */
    private startOf(name: string): bigint {
        const start = this.starts.get(name) ?? 0n;
        this.starts.set(name, start);
        return start;
    }

    private async planFor(change: Change, options: GroupOptions): Promise<TablePlan> {
        const plan = await this.tables.plan(change.table);
        if (!this.tables.isOutdated(plan, change)) {
            return plan;
        }
        await this.flush(options);
        if (!this.isOpen) {
            await this.target.query("BEGIN");
            this.isOpen = true;
        }
        return await this.tables.refresh(plan, change);
    }

    private async flush(options: GroupOptions): Promise<void> {
        if (this.signal.aborted) {
            throw new StopRequested();
        }
        const chunk = this.chunk;
        if (chunk.length === 0) {
            return;
        }
        this.chunk = [];
        this.characters = 0;
        const statements = chunk.flatMap((work) => work.statements);
        const [begun, ...results] = await Promise.allSettled([
            this.target.query(this.chunkStart()),
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
        if (isClean) {
            this.counts.applied += chunk.length;
            return;
        }
        this.runner.forgetUnproven();
        await this.target.query("ROLLBACK TO SAVEPOINT awsdms_chunk");
        for (const work of chunk) {
            await this.careful.apply(work, options);
        }
    }

    /** One round trip less: the first chunk of a group begins its transaction. */
    private chunkStart(): string {
        const before = this.isOpen ? "" : "BEGIN; ";
        const release = this.hasSavepoint ? "RELEASE SAVEPOINT awsdms_chunk; " : "";
        this.isOpen = true;
        this.hasSavepoint = true;
        return `${before}${release}SAVEPOINT awsdms_chunk`;
    }

    private dropTruncate(tables: readonly TableName[]): void {
        const names = tables.filter((table) => this.tables.isSelected(table)).map(quoted);
        if (names.length > 0) {
            this.drop("TRUNCATE", names.join(", "), "DMS does not replicate it");
        }
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
