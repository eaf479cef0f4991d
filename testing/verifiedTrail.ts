import { writeFileSync } from "node:fs";
import path from "node:path";
import { type Client, escapeIdentifier } from "pg";
import { tableMappings } from "../components/dms/tableMappings";
import { taskSettings } from "../components/dms/taskSettings";
import { prepareSession } from "../database/session";
import { renderSql } from "../database/sqlTemplate";
import { dropTaskSlot, startTask, stopTask } from "../local/dms/control";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../trail/catalogTables";
import { dmsSession } from "../trail/dmsSession";
import { guardFiles, MARKER_TABLE, markerFiles, markerGapFiles } from "../trail/guards";
import { formatTableName, trailNames } from "../trail/names";
import { roles } from "../trail/rolesAndSchemas";
import { replicatedTables, type TableDefinition, type TableName } from "../trail/tableDefinition";
import type { TableReport, VerifyOptions, VerifyReport } from "../verify/report";
import { verifyTrail } from "../verify/verifyTrail";
import { type ScratchServer, scratchServer } from "./postgres";
import { taskFolder } from "./taskFolder";
import { connect, deploy, run, type Trail, trailDatabase } from "./trailDatabase";

/** A source, an audit database with the trails of its tables, and the DMS stand-in between them. */
export class World {
    /** Everything that `close` has to undo, last first. */
    private readonly undo: (() => Promise<void> | void)[] = [];
    source!: Client;
    trail!: Trail;
    definitions!: TableDefinition[];
    taskDir!: string;
    private server!: ScratchServer;

    static async open(
        ddl: string,
        tables: readonly TableName[],
        settings: Readonly<Record<string, string>> = {},
    ): Promise<World> {
        const world = new World();
        try {
            await world.build(ddl, tables, settings);
            return world;
        } catch (error) {
            await world.close();
            throw error;
        }
    }

    async close(): Promise<void> {
        for (const step of this.undo.splice(0).reverse()) {
            await step();
        }
    }

    /** One more session on the source. */
    async session(user = this.server.user): Promise<Client> {
        return await this.open(user, "source");
    }

    /** One more session of the master on the audit side. */
    async auditSession(): Promise<Client> {
        return await this.open("master", "audit");
    }

    private async open(user: string, database: string): Promise<Client> {
        const client = await connect(this.server, { user, database });
        client.on("error", () => undefined);
        this.undo.push(() => client.end());
        return client;
    }

    /** Verifies every table, or one. */
    async verify(options: VerifyOptions = {}, table?: string): Promise<VerifyReport> {
        const source = await connect(this.server, { user: this.server.user, database: "source" });
        // As the command does, before anything cuts an idle session.
        await prepareSession(source);
        const audit = await connect(this.server, { user: "master", database: "audit" });
        try {
            await prepareSession(audit);
            const definitions = this.definitions.filter(
                (definition) => table === undefined || formatTableName(definition) === table,
            );
            return await verifyTrail(source, audit, definitions, {
                markerTimeoutMs: 20_000,
                ...options,
            });
        } finally {
            await source.end();
            await audit.end();
        }
    }

    /**
     * Runs statements on the audit side as the owner of log and staging, without their triggers, and hides that as a
     * superuser can: nothing was counted, and PostgreSQL's statistics begin anew.
     */
    async forge(sql: string): Promise<void> {
        await this.forgeInSight(sql);
        await this.trail.superuser.query(`
            BEGIN;
            ALTER TABLE audit_trail.log_count DISABLE TRIGGER append_only_truncate;
            TRUNCATE audit_trail.log_count;
            ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only_truncate;
            COMMIT;
            SELECT pg_stat_force_next_flush()`);
        // In a query of its own: what this session had not told yet is told after the one before.
        await this.trail.superuser.query("SELECT pg_stat_reset()");
    }

    /** As `forge`, and hides nothing. */
    async forgeInSight(sql: string): Promise<void> {
        const guarded = this.definitions.flatMap((definition) => {
            const { auditLog, staging } = trailNames(definition);
            const table = (name: string): string =>
                `${escapeIdentifier(definition.schema)}.${escapeIdentifier(name)}`;
            return [
                [table(auditLog), "append_only"],
                [table(staging), "log_change"],
            ] as const;
        });
        const set = (state: string): string =>
            guarded
                .map(([table, trigger]) => `ALTER TABLE ${table} ${state} TRIGGER ${trigger};`)
                .join(" ");
        await this.trail.master.query(
            `BEGIN; SET LOCAL ROLE audit_trail_owner; ${set("DISABLE")} ${sql}; ${set("ENABLE ALWAYS")} COMMIT`,
        );
        // Otherwise a session tells the statistics of what it did when it has time.
        await this.trail.master.query("SELECT pg_stat_force_next_flush()");
    }

    /** Runs statements on the source that its guards would refuse. */
    async evade(table: string, sql: string): Promise<void> {
        const set = (state: string): string =>
            ["truncate", "key_update"]
                .map((what) => `ALTER TABLE ${table} ${state} TRIGGER audit_trail_refuse_${what};`)
                .join(" ");
        await this.source.query(`BEGIN; ${set("DISABLE")} ${sql}; ${set("ENABLE ALWAYS")} COMMIT`);
    }

    /** Changes the source's tables; verify reads their definitions from there. */
    async alterSource(sql: string): Promise<void> {
        await this.source.query(sql);
        this.definitions = await this.readDefinitions(this.definitions);
    }

    /** Deploys the trails for the definitions that the tables have now. */
    async redeploy(): Promise<void> {
        await deploy(this.trail.master, this.definitions);
    }

    async stopReplication(): Promise<void> {
        await stopTask(this.taskDir);
    }

    async resumeReplication(): Promise<void> {
        await startTask(this.taskDir);
    }

    async dropSlot(): Promise<void> {
        await dropTaskSlot(this.taskDir);
    }

    private async build(
        ddl: string,
        tables: readonly TableName[],
        settings: Readonly<Record<string, string>>,
    ): Promise<void> {
        this.server = await scratchServer({
            // A commit that is not flushed at once reaches logical decoding late.
            settings: { track_commit_timestamp: "on", synchronous_commit: "on", ...settings },
        });
        this.undo.push(() => this.server.stop());
        const first = await connect(this.server);
        await first.query("CREATE DATABASE source");
        await first.end();
        this.source = await this.session();
        await this.source.query("CREATE SCHEMA audit_trail");
        await run(this.source, markerFiles());
        await this.source.query(
            `CREATE ROLE ${roles.source} LOGIN REPLICATION PASSWORD 'scratch' IN ROLE pg_read_all_data`,
        );
        await run(this.source, [dmsSession(roles.source)]);
        await this.source.query(ddl);
        const audited = [...tables, MARKER_TABLE];
        const all = await this.readDefinitions(audited);
        this.definitions = all.slice(0, tables.length);
        for (const definition of this.definitions) {
            const guards = { truncate: "refuse", keyUpdate: "refuse" } as const;
            await run(this.source, guardFiles(definition, guards, false));
        }
        this.trail = await trailDatabase(this.server, "audit", all);
        this.undo.push(() => this.trail.stop());
        await prepareSession(this.trail.master);
        await run(this.trail.master, markerGapFiles());
        await this.trail.master.query("RESET ALL");
        await this.startDms(replicatedTables(all));
    }

    private async readDefinitions(tables: readonly TableName[]): Promise<TableDefinition[]> {
        const { rows } = await this.source.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters(tables),
        );
        return tableDefinitions(rows);
    }

    private async startDms(tables: readonly TableName[]): Promise<void> {
        const folder = taskFolder();
        this.undo.push(() => folder.remove());
        this.taskDir = folder.path;
        const { host, port } = this.server;
        const endpoint = { engineName: "postgres", host, port, sslMode: "none" };
        const task = {
            taskIdentifier: "verify",
            migrationType: "full-load-and-cdc",
            tableMappings: JSON.stringify(tableMappings(tables, "")),
            taskSettings: JSON.stringify(taskSettings({ maxLobSizeKb: 64 })),
            source: {
                ...endpoint,
                username: roles.source,
                password: "scratch",
                databaseName: "source",
            },
            target: {
                ...endpoint,
                username: "audit_trail_dms_target",
                password: "scratch",
                databaseName: "audit",
            },
        };
        writeFileSync(path.join(this.taskDir, "task.json"), JSON.stringify(task), { mode: 0o600 });
        await startTask(this.taskDir);
    }
}

/** The report of one table. */
export function tableOf(report: VerifyReport, table: string): TableReport {
    const found = report.tables.find((one) => one.table === table);
    if (found === undefined) {
        throw new Error(`The report has no ${table}.`);
    }
    return found;
}

/** The kinds of the differences, without repetition, sorted. */
export function kindsOf({ differences }: TableReport): string[] {
    return [...new Set(differences.map(({ kind }) => kind))].sort();
}

/** The names of the failed checks of a table, or of the whole. */
export function failedChecks({ checks }: Pick<TableReport, "checks">): string[] {
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}
