import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { startTask, stopTask, taskStatus } from "../../../local/dms/control";
import type { TaskStatus } from "../../../local/dms/task/status";
import { writeJsonFile } from "../../../local/dms/taskFiles";
import type { ScratchServer } from "../../../testing/postgres";
import { type TaskFolder, taskFolder } from "../../../testing/taskFolder";
import { until } from "../../../testing/until";

export interface TaskOptions {
    readonly tables?: readonly string[];
    readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly migrationType?: string;
    readonly flagged?: boolean;
    readonly faults?: Readonly<Record<string, unknown>>;
    readonly source?: Readonly<Record<string, unknown>>;
    readonly target?: Readonly<Record<string, unknown>>;
}

const HEADERS: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
    ["operation", "operation_indicator('D', 'U', 'I')", { type: "string", length: 50 }],
    ["commit_timestamp", "$AR_H_COMMIT_TIMESTAMP", { type: "datetime", precision: 6 }],
    ["stream_position", "$AR_H_STREAM_POSITION", { type: "string", length: 50 }],
    ["change_seq", "$AR_H_CHANGE_SEQ", { type: "string", length: 50 }],
];

/** Table mappings as the program generates them: explicit, renamed to *_staging, four added columns. */
export function mappings(tables: readonly string[], flagged = true): string {
    const rules: unknown[] = [];
    const add = (rule: Readonly<Record<string, unknown>>): void => {
        const id = String(rules.length + 1);
        rules.push({ "rule-id": id, "rule-name": id, ...rule });
    };
    for (const table of tables) {
        const locator = { "schema-name": "public", "table-name": table };
        add({ "rule-type": "selection", "rule-action": "explicit", "object-locator": locator });
        add({
            "rule-type": "transformation",
            "rule-target": "table",
            "rule-action": "rename",
            "object-locator": locator,
            value: `${table}_staging`,
        });
        for (const [value, expression, type] of flagged ? HEADERS : HEADERS.slice(1)) {
            add({
                "rule-type": "transformation",
                "rule-target": "column",
                "rule-action": "add-column",
                "object-locator": locator,
                value,
                expression,
                "data-type": type,
            });
        }
    }
    return JSON.stringify({ rules });
}

/** Two fresh databases on a scratch server and tasks between them; everything goes with `close()`. */
export class Bench {
    private readonly folders: TaskFolder[] = [];
    private readonly clients: Client[] = [];
    private counter = 0;

    private constructor(
        private readonly servers: readonly [ScratchServer, ScratchServer],
        readonly source: Client,
        public target: Client,
        private readonly names: readonly [string, string],
    ) {}

    static async open(server: ScratchServer, name: string, other = server): Promise<Bench> {
        const names = [`${name}_source`, `${name}_target`] as const;
        await onServer(server, `CREATE DATABASE ${names[0]}`);
        await onServer(other, `CREATE DATABASE ${names[1]}`);
        return new Bench(
            [server, other],
            await connectTo(server, names[0]),
            await connectTo(other, names[1]),
            names,
        );
    }

    async close(): Promise<void> {
        await this.removeTasks();
        for (const client of [...this.clients, this.source, this.target]) {
            await client.end();
        }
        for (const [at, server] of this.servers.entries()) {
            await onServer(server, `DROP DATABASE ${this.names[at] ?? ""} WITH (FORCE)`);
        }
    }

    /** Ends the tasks and empties both databases: as after `open()`, but faster. */
    async reset(): Promise<void> {
        await this.removeTasks();
        for (const client of [this.source, this.target]) {
            const schemas = await rowsOf(
                client,
                "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
            );
            await client.query(
                `DROP SCHEMA ${schemas.flat().join(", ")} CASCADE; CREATE SCHEMA public`,
            );
        }
        await this.target.query('CREATE SCHEMA "awsdms control"');
    }

    private async removeTasks(): Promise<void> {
        for (const folder of this.folders.splice(0)) {
            await folder.remove();
        }
    }

    async restart(dir: string): Promise<void> {
        await stopTask(dir);
        await startTask(dir);
    }

    /** Connects to the target again after its server was away. */
    async reconnectTarget(): Promise<void> {
        await this.target.end();
        this.target = await connectTo(this.servers[1], this.names[1]);
    }

    /** One more session on the source. */
    async session(): Promise<Client> {
        const client = await connectTo(this.servers[0], this.names[0]);
        this.clients.push(client);
        return client;
    }

    /** One more session on the target. */
    async targetSession(): Promise<Client> {
        const client = await connectTo(this.servers[1], this.names[1]);
        this.clients.push(client);
        return client;
    }

    /** A task's folder, not yet started. */
    task(options: TaskOptions = {}): string {
        const folder = taskFolder();
        this.folders.push(folder);
        this.counter += 1;
        this.write(folder.path, options, `${this.names[0]}-${this.counter}`);
        return folder.path;
    }

    write(dir: string, options: TaskOptions, taskIdentifier: string): void {
        mkdirSync(dir, { recursive: true });
        const endpoint = (at: 0 | 1): Readonly<Record<string, unknown>> => {
            const { host, port, user, password } = this.servers[at];
            const account = { username: user, password, databaseName: this.names[at] };
            return { engineName: "postgres", host, port, ...account, sslMode: "none" };
        };
        const task = {
            taskIdentifier,
            migrationType: options.migrationType ?? "full-load-and-cdc",
            tableMappings: mappings(options.tables ?? ["items"], options.flagged),
            taskSettings: JSON.stringify({
                ChangeProcessingDdlHandlingPolicy: { HandleSourceTableDropped: false },
                ...options.settings,
            }),
            source: { ...endpoint(0), ...options.source },
            target: { ...endpoint(1), ...options.target },
        };
        writeFileSync(path.join(dir, "task.json"), JSON.stringify(task), { mode: 0o600 });
        this.setFaults(dir, options.faults);
    }

    setFaults(dir: string, faults?: Readonly<Record<string, unknown>>): void {
        const file = path.join(dir, "faults.json");
        if (faults === undefined) {
            rmSync(file, { force: true });
        } else {
            writeFileSync(file, JSON.stringify(faults));
        }
    }

    /** Asks for tables to be loaded anew. */
    reload(dir: string, ...tables: readonly string[]): void {
        writeJsonFile(
            path.join(dir, "reload.json"),
            tables.map((TableName) => ({ SchemaName: "public", TableName })),
        );
    }

    /** A task that runs, with its target tables made beforehand. */
    async started(options: TaskOptions = {}): Promise<string> {
        const dir = this.task(options);
        await startTask(dir);
        return dir;
    }

    /**
     * A task whose slot is there and that has read nothing yet.
     *
     * @returns its folder, and how to let it load and go on
     */
    async held(
        options: TaskOptions = {},
    ): Promise<{ readonly dir: string; readonly release: () => Promise<void> }> {
        const dir = this.task({ ...options, faults: { ...options.faults, holdLoad: true } });
        const started = startTask(dir);
        started.catch(() => undefined);
        await until(() => Promise.resolve(isHeld(dir)), 30_000);
        return {
            dir,
            release: async () => {
                this.setFaults(dir, options.faults);
                await started;
            },
        };
    }

    /** Waits until everything that has committed on the source by now is on the target and confirmed. */
    async caughtUp(dir: string, deadlineMs = 10_000): Promise<void> {
        const lsn = await this.value("SELECT pg_current_wal_insert_lsn()::text", this.source);
        try {
            await until(async () => {
                const position = statusOf(dir).position;
                const reached = await this.value(
                    `SELECT ('${position}'::pg_lsn >= '${lsn}'::pg_lsn)::text`,
                    this.source,
                );
                return reached === "true";
            }, deadlineMs);
        } catch (cause) {
            throw new Error(
                `The task did not catch up: ${JSON.stringify(statusOf(dir))}\n${log(dir)}`,
                {
                    cause,
                },
            );
        }
    }

    /** The single value of a query, as text. */
    async value(sql: string, client: Client): Promise<string> {
        const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
        return String(rows[0]?.[0]);
    }

    /** All rows of a query on the target, each as an array of text or null. */
    async rows(sql: string): Promise<readonly (readonly (string | null)[])[]> {
        return await rowsOf(this.target, sql);
    }
}

export async function rowsOf(
    client: Client,
    sql: string,
): Promise<readonly (readonly (string | null)[])[]> {
    const { rows } = await client.query<(string | null)[]>({
        text: sql,
        rowMode: "array",
        types: { getTypeParser: () => (text: unknown) => text },
    });
    return rows;
}

export function statusOf(dir: string): TaskStatus {
    const status = taskStatus(dir);
    if (status === undefined) {
        throw new Error(`The task in ${dir} has no status.`);
    }
    return status;
}

export function log(dir: string): string {
    return readFileSync(path.join(dir, "task.log"), "utf8");
}

/** Whether the load of a task waits, by the fault `holdLoad`. */
export function isHeld(dir: string): boolean {
    return existsSync(path.join(dir, "task.log")) && log(dir).includes("waits (holdLoad");
}

async function onServer(server: ScratchServer, sql: string): Promise<void> {
    const client = await connectTo(server, server.database);
    try {
        await client.query(sql);
    } finally {
        await client.end();
    }
}

export async function connectTo(server: ScratchServer, database: string): Promise<Client> {
    const { host, port, user, password } = server;
    const client = new Client({ host, port, user, password, database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
}

export const ITEMS =
    "CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10,2) NOT NULL)";

/** A staging table as the trail makes it: only the key NOT NULL. */
export const ITEMS_STAGING =
    "CREATE TABLE items_staging (item_id integer PRIMARY KEY, name varchar(100), price numeric(10,2), " +
    "operation varchar(50), commit_timestamp timestamp(6), stream_position varchar(50), change_seq varchar(50))";
