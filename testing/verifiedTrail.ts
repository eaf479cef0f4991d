import { writeFileSync } from "node:fs";
import path from "node:path";
import { type Client, escapeIdentifier } from "pg";
import { planGroups } from "../components/dms/groupPlan";
import { tableMappings } from "../components/dms/tableMappings";
import { taskSettings } from "../components/dms/taskSettings";
import { prepareSession } from "../database/session";
import { renderSql, type SqlFile } from "../database/sqlTemplate";
import { dropTaskSlot, startTask, stopTask } from "../local/dms/control";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../trail/catalogTables";
import { dmsSession } from "../trail/dmsSession";
import { guardFiles, MARKER_TABLE, markerFiles } from "../trail/guards";
import { triggerFunction } from "../trail/logFunction";
import { formatTableName, parseTableName, trailNames } from "../trail/names";
import { roles } from "../trail/rolesAndSchemas";
import {
    definitionOf,
    replicatedTables,
    type TableDefinition,
    type TableName,
} from "../trail/tableDefinition";
import {
    markerDefinition,
    markerGapFiles,
    replicatedBy,
    type TableGroup,
    tableGroups,
    trailDefinitions,
    trailTables,
} from "../trail/tableGroups";
import { joinGroupFile, leaveFile, retireFile } from "../trail/tableLife";
import { taskIdentifier } from "../trail/taskNames";
import type { TableReport, VerifyOptions, VerifyReport } from "../verify/report";
import { verifyTrail } from "../verify/verifyTrail";
import { type ScratchServer, scratchServer } from "./postgres";
import { taskFolder } from "./taskFolder";
import { connect, deploy, run, type Trail, trailDatabase } from "./trailDatabase";
import { until } from "./until";

/** A source, an audit database with the trails of its tables, and the DMS stand-in between them. */
export class World {
    /** Everything that `close` has to undo, last first. */
    private readonly undo: (() => Promise<void> | void)[] = [];
    source!: Client;
    trail!: Trail;
    definitions!: TableDefinition[];
    /** The folder of the first group's task. */
    taskDir!: string;
    /** The folders of all tasks, by the names of their groups. */
    readonly taskDirs = new Map<string, string>();
    private server!: ScratchServer;
    private groups: readonly TableGroup[] = [];
    private marker!: TableDefinition;

    static async open(
        ddl: string,
        tables: readonly TableName[],
        settings: Readonly<Record<string, string>> = {},
        named: readonly TableGroup[] = [],
    ): Promise<World> {
        const world = new World();
        try {
            await world.build(ddl, tables, settings, named);
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
     * superuser can: nothing was counted, and PostgreSQL's statistics begin again.
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
        // This is a query of its own: PostgreSQL reports what this session had not reported yet after the query before.
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
        named: readonly TableGroup[],
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
        this.marker = definitionOf(all, MARKER_TABLE);
        this.groups = tableGroups(tables, named);
        for (const definition of this.definitions) {
            const guards = { truncate: "refuse", keyUpdate: "refuse" } as const;
            await run(this.source, guardFiles(definition, guards, false));
        }
        const listed = trailTables(tables, this.groups);
        this.trail = await trailDatabase(this.server, "audit", trailDefinitions(all, this.groups));
        this.undo.push(() => this.trail.stop());
        await prepareSession(this.trail.master);
        await run(this.trail.master, [...this.markerGaps(), leaveFile(listed)]);
        await this.trail.master.query("RESET ALL");
        for (const group of this.groups) {
            await this.runTask(group);
        }
        this.taskDir = [...this.taskDirs.values()][0] ?? "";
    }

    private markerGaps(): SqlFile[] {
        return markerGapFiles(this.groups.map(({ name }) => name));
    }

    /**
     * An update of the program to other groups, in the program's order.
     *
     * @param whileNobody what happens while no task carries a table that moves
     * @param tables the audited tables from now on
     */
    async regroup(
        named: readonly TableGroup[],
        whileNobody: () => Promise<void> = () => Promise.resolve(),
        tables: readonly TableName[] = this.definitions,
    ): Promise<void> {
        const { master } = this.trail;
        const kept = new Set(tables.map(formatTableName));
        const leaving = this.definitions.filter((one) => !kept.has(formatTableName(one)));
        const all = await this.readDefinitions([...tables, MARKER_TABLE]);
        this.definitions = all.slice(0, tables.length);
        const deployed = this.groups.map((group) => ({ ...group, carriedBefore: [] }));
        const { groups } = planGroups(tableGroups(this.definitions, named), deployed);
        const before = this.groups;
        this.groups = groups;
        const listed = trailTables(this.definitions, groups);
        await deploy(master, trailDefinitions([...this.definitions, this.marker], groups));
        await run(master, this.markerGaps());
        await run(master, [leaveFile(listed)]);
        for (const group of groups.filter(({ isLate }) => !isLate)) {
            await this.runTask(group);
        }
        await run(master, [joinGroupFile(listed)]);
        try {
            await whileNobody();
        } catch (error) {
            // As the stack's state has it then: the tasks that come late are what they were.
            const former = new Map(before.map((group) => [group.name, group]));
            this.groups = groups.flatMap((group) =>
                group.isLate ? (former.get(group.name) ?? []) : [group],
            );
            throw error;
        }
        for (const group of groups.filter(({ isLate }) => isLate)) {
            await this.runTask(group);
        }
        await run(master, [retireFile(listed)]);
        for (const definition of leaving) {
            await this.dropFunction(definition);
        }
        for (const { name } of before) {
            const folder = this.taskDirs.get(name);
            if (folder !== undefined && !groups.some((group) => group.name === name)) {
                await stopTask(folder);
                await dropTaskSlot(folder);
                this.taskDirs.delete(name);
                await this.dropFunction(markerDefinition(this.marker, name));
            }
        }
        await master.query("RESET ALL");
    }

    /** As the provider does, once nothing uses it any more. */
    private async dropFunction(definition: TableDefinition): Promise<void> {
        const { schema, name } = triggerFunction(definition);
        await this.trail.master.query(
            `DROP FUNCTION ${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
        );
    }

    private async readDefinitions(tables: readonly TableName[]): Promise<TableDefinition[]> {
        const { rows } = await this.source.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters(tables),
        );
        return tableDefinitions(rows);
    }

    /** Asks a table's task to load it again, and waits for that. */
    async reload(table: string): Promise<void> {
        const { schema: SchemaName, table: TableName } = parseTableName(table);
        const group = this.groups.find(({ tables }) => tables.map(formatTableName).includes(table));
        const { auditLog } = trailNames({ schema: SchemaName, table: TableName });
        const loaded = async (): Promise<number> =>
            (
                await this.trail.superuser.query(
                    `SELECT FROM ${escapeIdentifier(SchemaName)}.${escapeIdentifier(auditLog)} WHERE operation = 'B'`,
                )
            ).rowCount ?? 0;
        const before = await loaded();
        writeFileSync(
            path.join(this.taskDirs.get(group?.name ?? "") ?? "", "reload.json"),
            JSON.stringify([{ SchemaName, TableName }]),
        );
        await until(async () => (await loaded()) > before, 20_000);
    }

    /** Starts a group's task with what it carries now, after a stop where it runs. */
    private async runTask(group: TableGroup): Promise<void> {
        const known = this.taskDirs.get(group.name);
        const taskDir = known ?? this.newFolder(group.name);
        if (known !== undefined) {
            await stopTask(known);
        }
        const tables = replicatedBy(group, replicatedTables([...this.definitions, this.marker]));
        const { host, port } = this.server;
        const endpoint = { engineName: "postgres", host, port, sslMode: "none" };
        const task = {
            taskIdentifier: taskIdentifier("verify", group.name),
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
        writeFileSync(path.join(taskDir, "task.json"), JSON.stringify(task), { mode: 0o600 });
        await startTask(taskDir);
    }

    private newFolder(group: string): string {
        const folder = taskFolder();
        this.undo.push(() => folder.remove());
        this.taskDirs.set(group, folder.path);
        return folder.path;
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
