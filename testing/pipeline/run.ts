import assert from "node:assert/strict";
import type { Client } from "pg";
import type { Faults } from "../../local/dms/task/faults";
import { until } from "../until";
import { baselineCommit } from "./baseline";
import { compareEnds } from "./compareEnds";
import { compareOverlap } from "./compareOverlap";
import { byText, type LogRow, logRow, sorted, TableOracle, type TableState } from "./oracle";
import { Pipeline } from "./pipeline";
import { type Event, type Schedule, SESSION_COUNT, type Step } from "./schedule";
import type { MortalServer } from "./server";
import { createTable, type RandomTable } from "./tables";
import {
    fold,
    readAsOf,
    readComplaints,
    readLog,
    readStaging,
    type StoredRow,
} from "./trailReader";
import { tableState, Workload } from "./workload";

/**
 * What a run has to show: "exact" that the log is the source's history from a baseline that is one of its states; "overlap"
 * the same for what no load can have read, while tables are loading when the others change; "ends" that staging and the
 * log's last images equal the source, and that verify says complete.
 */
export type RunMode = "exact" | "overlap" | "ends";

/** One schedule on one pipeline, and then the comparison of the trail with what the workload did. */
export class Run {
    private readonly start: TableState[] = [];
    private faults: Partial<Faults> = {};
    private lasting: Partial<Faults> = {};
    /** Whether the replicator dies with its next commit, which may be under way. */
    private isDoomed = false;
    /** How many commits came before the capture of tables began, and how many before they were read. */
    private load = { captured: 0, read: 0 };

    private constructor(
        private readonly pipeline: Pipeline,
        private readonly tables: readonly RandomTable[],
        private readonly workload: Workload,
    ) {}

    static async check(
        [source, audit]: readonly [MortalServer, MortalServer],
        name: string,
        tables: readonly RandomTable[],
        schedule: Schedule,
        mode: RunMode = "exact",
    ): Promise<void> {
        const ddl = tables.map(createTable).join("; ");
        const guards = { truncate: "refuse", keyUpdate: "refuse" } as const;
        const pipeline = await Pipeline.deploy(source, audit, { name, tables, ddl, guards });
        try {
            const workload = await Workload.open(tables, SESSION_COUNT, () =>
                pipeline.sourceSession(),
            );
            const run = new Run(pipeline, tables, workload);
            await run.play(schedule, mode);
            await run.compare(mode);
        } finally {
            await pipeline.close();
        }
    }

    private async play({ lasting, early, loading, late }: Schedule, mode: RunMode): Promise<void> {
        const { workload } = this;
        this.lasting = lasting;
        this.setFaults(lasting);
        this.start.push(...this.tables.map(() => new Map<string, string>()));
        await this.steps(early);
        await (mode === "overlap" ? this.loadHeld(loading) : this.loadAtOnce(loading));
        await this.steps(late);
        await workload.commitAll();
        await workload.read();
        await this.settle();
    }

    private async loadAtOnce(loading: readonly Step[]): Promise<void> {
        const { pipeline, workload } = this;
        const watcher = await pipeline.sourceSession();
        const started = pipeline.start();
        started.catch(() => undefined);
        await until(async () => {
            const { rows } = await watcher.query(
                "SELECT FROM pg_replication_slots WHERE database = current_database()",
            );
            return rows.length > 0 || pipeline.status()?.state === "failed";
        }, 30_000);
        await this.steps(loading);
        // A slot begins only when every transaction that was open has ended.
        await workload.commitAll();
        await started;
    }

    /** All steps come between the slot and the reading of the tables; transactions may stay open over both. */
    private async loadHeld(loading: readonly Step[]): Promise<void> {
        const { pipeline, workload } = this;
        await workload.commitAll();
        pipeline.setFaults({ ...this.faults, holdLoad: true });
        const started = pipeline.start();
        started.catch(() => undefined);
        await until(() => Promise.resolve(pipeline.taskLog().includes("waits (holdLoad")), 30_000);
        const captured = workload.commits.length;
        await this.steps(loading);
        this.load = { captured, read: workload.commits.length };
        pipeline.setFaults(this.faults);
        await started;
    }

    private async steps(steps: readonly Step[]): Promise<void> {
        for (const step of steps) {
            if ("event" in step) {
                await this.happen(step.event);
            } else {
                await this.workload.step(step.session, step.operation);
            }
        }
    }

    private async happen(event: Event): Promise<void> {
        const { pipeline, workload } = this;
        switch (event.kind) {
            case "kill":
                await pipeline.kill();
                await this.revive();
                return;
            case "stop":
                await pipeline.stop();
                await this.revive();
                return;
            case "die after commit":
                this.isDoomed = true;
                pipeline.setFaults({ ...this.faults, killBeforeConfirm: event.commits });
                return;
            case "faults":
                this.setFaults({ ...this.faults, ...event.faults, ...this.lasting });
                await this.revive();
                return;
            case "source":
                await pipeline.source.takeAway(event.outage);
                await pipeline.source.bringBack();
                await workload.reconnect();
                return;
            case "target":
                await pipeline.audit.takeAway(event.outage);
                await pipeline.audit.bringBack();
                return;
            case "open reader":
                await workload.openReader();
                return;
            case "read":
                await workload.read();
        }
    }

    private setFaults(faults: Partial<Faults>): void {
        this.faults = faults;
        this.pipeline.setFaults(faults);
    }

    /** Starts the task again if it died; a person or DMS does so. */
    private async revive(): Promise<void> {
        this.setFaults(this.faults);
        if (this.isDoomed) {
            this.isDoomed = false;
            await this.pipeline.kill();
        }
        if (!this.pipeline.isAlive) {
            await this.pipeline.start();
        }
    }

    private async settle(): Promise<void> {
        const { pipeline } = this;
        await this.revive();
        const source = await pipeline.sourceSession();
        const audit = await pipeline.auditSession();
        await pipeline.caughtUp(source, audit);
        // Once more from the last confirmed place: a replay of whatever suffix must add nothing.
        await pipeline.kill();
        await pipeline.start();
        await pipeline.caughtUp(source, audit);
    }

    private async compare(mode: RunMode): Promise<void> {
        const { pipeline, tables, workload } = this;
        if (mode !== "exact") {
            await compareEnds(pipeline, tables);
            if (mode === "overlap") {
                await compareOverlap(pipeline, tables, workload.commits, this.load);
            }
            return;
        }
        const audit = await pipeline.auditSession();
        const source = await pipeline.sourceSession();
        await audit.query("SET timezone = 'UTC'");
        const oracles = tables.map(
            (_, at) => new TableOracle(at, this.start[at] ?? new Map(), workload.commits),
        );
        const logs: StoredRow[][] = [];
        for (const table of tables) {
            logs.push(await readLog(audit, table));
        }
        const baselines = logs.map((log) => log.filter(({ operation }) => operation === "B"));
        for (const [at, baseline] of baselines.entries()) {
            assert.deepEqual(
                logs[at]?.slice(0, baseline.length),
                baseline,
                "the baseline comes before every change",
            );
            for (const row of baseline) {
                assert.equal(row.before, null);
                assert.equal(row.transaction + row.sequence, "");
            }
        }
        const from = baselineCommit(oracles, logs, baselines);
        for (const [at, table] of tables.entries()) {
            const oracle = oracles[at];
            const log = logs[at] ?? [];
            const changes = log.slice(baselines[at]?.length);
            assert.deepEqual(
                oracle?.normalised(changes.map(logRow), from),
                oracle?.logAfter(from),
                `the log of ${table.schema}.${table.table}`,
            );
            assertTransactionIds(changes);
            const state = await tableState(source, table);
            assert.deepEqual(await readStaging(audit, table), [...state.values()].sort(byText));
            assert.deepEqual(sorted(fold(log)), sorted(state));
        }
        await this.compareReadings(audit, logs, baselines, from);
        const complaints = await readComplaints(audit);
        assert.deepEqual(
            complaints.filter(({ kind }) => kind !== "task stopped"),
            [],
        );
        // `settle` kills the task between two markers.
        assert.notDeepEqual(complaints, [], "a task that was killed leaves a row");
    }

    private async compareReadings(
        audit: Client,
        logs: readonly (readonly LogRow[])[],
        baselines: readonly (readonly LogRow[])[],
        from: number,
    ): Promise<void> {
        const loaded = baselines
            .flatMap((rows) => rows.map(({ at }) => at))
            .sort(byText)
            .at(-1);
        for (const { commits, states } of this.workload.readings) {
            const at = this.workload.commits[commits - 1]?.at;
            if (at === undefined || commits < from) {
                continue;
            }
            for (const [index, table] of this.tables.entries()) {
                const log = logs[index] ?? [];
                const then: LogRow[] = log.filter((row) => row.operation === "B" || row.at <= at);
                assert.deepEqual(sorted(fold(then)), sorted(states[index]), "the fold");
                // The baseline is known from its load on, not from the moment that it shows.
                if (loaded === undefined || at > loaded) {
                    const answer = await readAsOf(audit, table, at);
                    assert.deepEqual(sorted(answer), sorted(states[index]), "as_of");
                }
            }
        }
    }
}

/** Different transactions never share an id, and every change has one. */
function assertTransactionIds(
    changes: readonly (LogRow & { readonly transaction: string })[],
): void {
    const owners = new Map<string, string>();
    for (const { transaction, at } of changes) {
        assert.notEqual(transaction, "");
        assert.equal(owners.get(transaction) ?? at, at, "one id for two transactions");
        owners.set(transaction, at);
    }
}
