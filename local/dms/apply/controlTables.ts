import { type Client, escapeIdentifier } from "pg";
import { sqlFile } from "../sqlFile";
import type { TableName } from "../tableName";
import type { TaskSettings } from "../task/settings";

/** What awsdms_status shows about a task. */
export interface StatusRow {
    readonly state: string;
    readonly pendingChanges: number;
    readonly position: string;
    readonly appliedTimestamp: string | null;
}

/** What awsdms_history shows about one time slot. */
export interface HistoryRow {
    readonly start: Date;
    readonly minutes: number;
    readonly latencySeconds: number;
    readonly records: number;
    readonly bytes: number;
}

const SERVER = "localhost";

/** The awsdms_ tables in the target's control schema (DMS guide, "Control table task settings"). */
export class ControlTables {
    private readonly schema: string;

    constructor(
        private readonly task: string,
        private readonly settings: TaskSettings["ControlTablesSettings"],
    ) {
        this.schema = settings.ControlSchema === "" ? "public" : settings.ControlSchema;
    }

    get hasStatus(): boolean {
        return this.settings.StatusTableEnabled;
    }

    get hasHistory(): boolean {
        return this.settings.HistoryTableEnabled;
    }

    /** Creates the enabled tables that are missing. */
    async create(client: Client): Promise<void> {
        const wanted = {
            awsdms_apply_exceptions: true,
            awsdms_suspended_tables: this.settings.SuspendedTablesTableEnabled,
            awsdms_status: this.settings.StatusTableEnabled,
            awsdms_history: this.settings.HistoryTableEnabled,
        };
        for (const [table, isWanted] of Object.entries(wanted)) {
            const { rowCount } = await client.query(
                "SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1)",
                [this.name(table)],
            );
            if (isWanted && rowCount === 0) {
                await client.query(this.render(`control/${table}.sql`));
            }
        }
    }

    async addException(
        client: Client,
        table: TableName,
        statement: string,
        error: string,
    ): Promise<void> {
        await client.query(
            `INSERT INTO ${this.name("awsdms_apply_exceptions")} VALUES ($1, $2, $3, pg_catalog.clock_timestamp(), $4, $5)`,
            [this.task, table.schema, table.table, statement, error],
        );
    }

    async addSuspended(client: Client, table: TableName, reason: string): Promise<void> {
        if (this.settings.SuspendedTablesTableEnabled) {
            await client.query(
                `INSERT INTO ${this.name("awsdms_suspended_tables")} ` +
                    "VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp()) ON CONFLICT DO NOTHING",
                [SERVER, this.task, table.schema, table.table, reason],
            );
        }
    }

    async writeStatus(client: Client, row: StatusRow): Promise<void> {
        await client.query(this.render("control/write_status.sql"), [
            SERVER,
            this.task,
            row.state,
            row.pendingChanges,
            Math.round(process.memoryUsage().rss / 1024 / 1024),
            row.position,
            row.appliedTimestamp,
        ]);
    }

    async addHistory(client: Client, row: HistoryRow): Promise<void> {
        await client.query(
            `INSERT INTO ${this.name("awsdms_history")} VALUES ($1, $2, 'CHANGE PROCESSING', $3, $4, $5, $6, $7)`,
            [
                SERVER,
                this.task,
                row.start.toISOString().replace("Z", ""),
                row.minutes,
                row.latencySeconds,
                row.records,
                Math.ceil(row.bytes / 1024 / 1024),
            ],
        );
    }

    private render(file: string): string {
        return sqlFile(file, this.schema);
    }

    private name(table: string): string {
        return `${escapeIdentifier(this.schema)}.${table}`;
    }
}
