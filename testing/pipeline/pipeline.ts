import { writeFileSync } from "node:fs";
import type { Client } from "pg";
import { sourceSettings, targetSettings } from "../../components/dms/dmsEndpoint";
import { tableMappings } from "../../components/dms/tableMappings";
import { taskSettings } from "../../components/dms/taskSettings";
import { renderSql } from "../../database/sqlTemplate";
import { disconnect } from "../../local/dms/connection";
import { startTask, stopTask, taskStatus } from "../../local/dms/control";
import { livingProcess, startTicks } from "../../local/dms/processIdentity";
import type { Faults } from "../../local/dms/task/faults";
import type { TaskStatus } from "../../local/dms/task/status";
import { taskFiles } from "../../local/dms/task/task";
import { readIfExists, writeJsonFile } from "../../local/dms/taskFiles";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";
import type { TableChoices } from "../../trail/columnChoices";
import { dmsSession } from "../../trail/dmsSession";
import { guardFiles, MARKER_TABLE, markerFiles, type TableGuards } from "../../trail/guards";
import {
    replicatedTables,
    type TableDefinition,
    type TableName,
} from "../../trail/tableDefinition";
import { markerGapFiles } from "../../trail/tableGroups";
import { forgetColumnsFiles } from "../../trail/tableLife";
import { taskFolder } from "../taskFolder";
import { connect as connectAs, run, trailDatabase } from "../trailDatabase";
import { until } from "../until";
import { connect, type MortalServer } from "./server";
import { updateProgram } from "./update";

export const LOB_LIMIT_KB = 64;
const DMS_SOURCE = "audit_trail_dms_source";
/** The password of DMS's users on both sides. */
const PASSWORD = "scratch";
const CATCH_UP_MS = 60_000;
const START_MS = 45_000;

export interface PipelineOptions {
    /** Unique on both servers; lower case. */
    readonly name: string;
    readonly tables: readonly TableName[];
    /** What the source has before the trail is deployed. */
    readonly ddl: string;
    readonly guards?: TableGuards;
    readonly maxLobSizeKb?: number;
    /** What the config says of single columns. */
    readonly choices?: readonly TableChoices[];
}

/** A source database, an audit database with the trails of its tables, and the DMS task that the project would make. */
export class Pipeline {
    definitions: readonly TableDefinition[] = [];
    /** With the marker table. */
    private all: readonly TableDefinition[] = [];
    private readonly folder = taskFolder();
    private readonly dir = this.folder.path;
    private readonly clients: Client[] = [];
    private choices: readonly TableChoices[];
    private maxLobSizeKb: number;
    private tables: readonly TableName[];

    private constructor(
        readonly source: MortalServer,
        readonly audit: MortalServer,
        private readonly options: PipelineOptions,
    ) {
        this.choices = options.choices ?? [];
        this.tables = options.tables;
        this.maxLobSizeKb = options.maxLobSizeKb ?? LOB_LIMIT_KB;
    }

    static async deploy(
        source: MortalServer,
        audit: MortalServer,
        options: PipelineOptions,
    ): Promise<Pipeline> {
        const pipeline = new Pipeline(source, audit, options);
        try {
            await pipeline.build();
            return pipeline;
        } catch (error) {
            await pipeline.close();
            throw error;
        }
    }

    async close(): Promise<void> {
        await this.folder.remove();
        await Promise.all(this.clients.map(disconnect));
        for (const [server, database] of this.databases) {
            // Why a server was not brought back is what the test has to say, and not that nobody can connect to it.
            if (!(await server.isThere())) {
                continue;
            }
            const admin = await connect(server.scratch, server.scratch.database);
            await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
            await admin.end();
        }
    }

    /** A session on the source, ended by `close` at the latest. */
    async sourceSession(): Promise<Client> {
        const [[server, database]] = this.databases;
        return await this.session(server, database);
    }

    /** A session that verify reads the audit database with, ended by the caller. */
    async verifySession(): Promise<Client> {
        const [, [server, database]] = this.databases;
        return await server.administrator(database);
    }

    /** A session of a superuser on the audit database. */
    async auditSession(): Promise<Client> {
        const [, [server, database]] = this.databases;
        return await this.session(server, database);
    }

    async start(): Promise<void> {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
            timer = setTimeout(() => {
                reject(new Error(`The task does not start: ${this.diagnosis()}`));
            }, START_MS);
        });
        try {
            await Promise.race([startTask(this.dir), late]);
        } finally {
            clearTimeout(timer);
        }
    }

    async stop(): Promise<void> {
        await stopTask(this.dir);
    }

    /** Ends the replicator without warning; it may already be dead. */
    async kill(): Promise<void> {
        const identity = livingProcess(taskFiles(this.dir).process);
        if (identity !== undefined) {
            process.kill(identity.pid, "SIGKILL");
            await until(() => Promise.resolve(startTicks(identity.pid) !== identity.startTicks));
        }
    }

    get isAlive(): boolean {
        return livingProcess(taskFiles(this.dir).process) !== undefined;
    }

    status(): TaskStatus | undefined {
        return taskStatus(this.dir);
    }

    /** Empty before the first start. */
    taskLog(): string {
        return readIfExists(taskFiles(this.dir).log) ?? "";
    }

    setFaults(faults: Partial<Faults>): void {
        // In one step: the running task may read it at any moment.
        writeJsonFile(taskFiles(this.dir).faults, faults);
    }

    /** Asks the running task to load a table again. */
    reload({ schema: SchemaName, table: TableName }: TableName): void {
        writeJsonFile(taskFiles(this.dir).reload, [{ SchemaName, TableName }]);
    }

    /** A changed setting of a stopped task; takes effect when it starts. */
    setMaxLobSize(kilobytes: number): void {
        this.maxLobSizeKb = kilobytes;
        this.writeTask();
    }

    /**
     * Updates the trails, for the columns and partitions that the source has now; the task learns of them when it starts.
     */
    async redeploy(): Promise<void> {
        const source = await this.sourceSession();
        try {
            const all = await this.readDefinitions(source);
            const { guards } = this.options;
            if (guards !== undefined) {
                for (const definition of this.definitions) {
                    await run(source, guardFiles(definition, guards, false));
                }
            }
            await updateProgram(all, () => this.auditSessionOf("master"));
            this.writeTask();
        } finally {
            await disconnect(source);
        }
    }

    /** Deploys another list of tables, in the program's order: trails, the DMS task, what has left the list. */
    async list(tables: readonly TableName[]): Promise<void> {
        this.tables = tables;
        await this.redeploy();
        await this.stop();
        await this.start();
    }

    /** Deploys with other choices for columns, in the program's order: trails, the DMS task, what is left out of staging. */
    async choose(choices: readonly TableChoices[]): Promise<void> {
        this.choices = choices;
        await this.redeploy();
        await this.stop();
        this.writeTask();
        await this.start();
        const master = await this.auditSessionOf("master");
        await run(master, forgetColumnsFiles(this.tables, choices));
        await disconnect(master);
    }

    /** Reads what the source's catalog says of the tables now, as verify does. */
    async readTables(): Promise<void> {
        const source = await this.sourceSession();
        await this.readDefinitions(source);
        await disconnect(source);
    }

    /** A session of one of the audit side's people, ended by the caller. */
    async auditSessionOf(user: "master" | "operator" | "reader"): Promise<Client> {
        const [, [server, database]] = this.databases;
        const client = await connectAs(server.scratch, { user, database });
        client.on("error", () => undefined);
        return client;
    }

    /** Waits until all that had committed on the source before this call is in the trail. */
    async caughtUp(source: Client, audit: Client, deadlineMs = CATCH_UP_MS): Promise<void> {
        const { rows } = await source.query<{ id: string }>(renderSql("sql/verify/marker.sql").sql);
        const id = rows[0]?.id ?? "";
        try {
            await until(async () => {
                const state = this.status();
                if (state?.state === "failed") {
                    throw new Error("The task has failed.");
                }
                const found = await audit.query(
                    "SELECT FROM audit_trail.marker_audit_log WHERE row_key = jsonb_build_object('marker_id', $1::bigint)",
                    [id],
                );
                return found.rows.length > 0;
            }, deadlineMs);
        } catch (cause) {
            throw new Error(`The trail did not catch up: ${this.diagnosis()}`, { cause });
        }
    }

    private diagnosis(): string {
        return `${JSON.stringify(this.status())}\n${this.taskLog().slice(-3000)}`;
    }

    private get databases(): readonly [
        readonly [MortalServer, string],
        readonly [MortalServer, string],
    ] {
        const { name } = this.options;
        return [
            [this.source, `${name}_source`],
            [this.audit, `${name}_audit`],
        ];
    }

    private async session(server: MortalServer, database: string): Promise<Client> {
        const client = await connect(server.scratch, database);
        this.clients.push(client);
        return client;
    }

    private async build(): Promise<void> {
        const { ddl, guards } = this.options;
        const [[, sourceName], [, auditName]] = this.databases;
        const { scratch } = this.source;
        const admin = await connect(scratch, scratch.database);
        await admin.query(`CREATE DATABASE ${sourceName}`);
        await admin.end();
        const source = await this.sourceSession();
        // As a member of rds_superuser and rds_replication: reads everything, but not what row security hides.
        await source.query(
            `DO $$ BEGIN CREATE ROLE ${DMS_SOURCE} LOGIN REPLICATION PASSWORD '${PASSWORD}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$; ` +
                `GRANT pg_read_all_data TO ${DMS_SOURCE}; ` +
                `CREATE SCHEMA audit_trail; CREATE SCHEMA awsdms_heartbeat AUTHORIZATION ${DMS_SOURCE}`,
        );
        await run(source, [...markerFiles(), dmsSession(DMS_SOURCE)]);
        await source.query(ddl);
        const all = await this.readDefinitions(source);
        if (guards !== undefined) {
            for (const definition of this.definitions) {
                await run(source, guardFiles(definition, guards, false));
            }
        }
        const trail = await trailDatabase(this.audit.scratch, auditName, all);
        try {
            await run(trail.master, markerGapFiles());
        } finally {
            await trail.stop();
        }
        const audit = await this.auditSession();
        await audit.query(
            // As an instance whose parameter group, or whose DMS user, may switch ordinary triggers off.
            "GRANT SET ON PARAMETER session_replication_role TO audit_trail_dms_target",
        );
        this.writeTask();
    }

    /** The audited tables as the source has them now, and the marker table. */
    private async readDefinitions(source: Client): Promise<TableDefinition[]> {
        const { tables } = this;
        const { rows } = await source.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters([...tables, MARKER_TABLE]),
        );
        const all = tableDefinitions(rows, this.choices);
        this.all = all;
        this.definitions = all.slice(0, tables.length);
        return all;
    }

    private writeTask(): void {
        const { maxLobSizeKb } = this;
        const [[source, sourceName], [audit, auditName]] = this.databases;
        const endpoint = ({ scratch: { host, port } }: MortalServer, databaseName: string) => ({
            ...{ engineName: "aurora-postgresql", host, port, databaseName, sslMode: "none" },
        });
        const { name } = this.options;
        const task = {
            taskIdentifier: name.replaceAll("_", "-"),
            migrationType: "full-load-and-cdc",
            tableMappings: JSON.stringify(
                tableMappings(replicatedTables(this.all), "", this.choices),
            ),
            taskSettings: JSON.stringify(taskSettings({ maxLobSizeKb })),
            source: {
                ...endpoint(source, sourceName),
                username: DMS_SOURCE,
                password: PASSWORD,
                postgresSettings: sourceSettings,
            },
            target: {
                ...endpoint(audit, auditName),
                username: "audit_trail_dms_target",
                password: PASSWORD,
                postgresSettings: targetSettings,
            },
        };
        writeFileSync(taskFiles(this.dir).task, JSON.stringify(task), { mode: 0o600 });
    }
}
