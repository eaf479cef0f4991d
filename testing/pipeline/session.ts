import { type Client, DatabaseError, escapeIdentifier, escapeLiteral } from "pg";
import { copyField, copyIn } from "../../local/dms/load/copyIn";
import {
    dataLiterals,
    dataValues,
    keyLiterals,
    keyTest,
    keyValues,
    qualified,
    type RandomTable,
} from "./tables";

/** What one statement did to one row; images are jsonb as text. */
interface Effect {
    readonly table: number;
    readonly row: string;
    /** What the statement saw of the row under a lock; undefined when it could not know. */
    readonly before?: string | null;
    readonly after: string | null;
}

/** One statement's effects: all rows differ, their order is the server's. */
export type StatementEffect = readonly Effect[];

export interface Commit {
    readonly statements: readonly StatementEffect[];
    /** `pg_xact_commit_timestamp`, UTC with six fraction digits. */
    readonly at: string;
}

type Write =
    | { readonly kind: "insert" | "copy" | "upsert"; readonly keys: readonly number[] }
    | { readonly kind: "update" | "touch" | "delete"; readonly keys: readonly number[] }
    | { readonly kind: "reinsert"; readonly keys: readonly number[] };

export type Operation =
    | (Write & { readonly table: number; readonly version: number })
    | { readonly kind: "savepoint" | "rollback to" | "commit" | "rollback" };

/** One client of the source that remembers what it did, transaction by transaction. */
export class WorkSession {
    private statements: StatementEffect[] = [];
    private savepoints: number[] = [];
    private isOpen = false;

    constructor(
        private client: Client,
        private readonly tables: readonly RandomTable[],
        private readonly onCommit: (commit: Commit) => void,
    ) {}

    /** The backend's process id, to see whether it waits. */
    async pid(): Promise<number> {
        const { rows } = await this.client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        return rows[0]?.pid ?? 0;
    }

    /** Goes on with another connection, after the server threw everything uncommitted away. */
    reconnect(client: Client): void {
        this.client = client;
        this.forget();
    }

    /** Runs one operation; a deadlock rolls the transaction back, a duplicate key undoes the statement. */
    async run(operation: Operation): Promise<void> {
        try {
            await this.dispatch(operation);
        } catch (error) {
            if (!(error instanceof DatabaseError && error.code === "40P01")) {
                throw error;
            }
            await this.client.query("ROLLBACK");
            this.forget();
        }
    }

    private async dispatch(operation: Operation): Promise<void> {
        switch (operation.kind) {
            case "commit":
                await this.commit();
                return;
            case "rollback":
                await this.client.query("ROLLBACK");
                this.forget();
                return;
            case "savepoint":
                await this.begin();
                await this.client.query("SAVEPOINT s");
                this.savepoints.push(this.statements.length);
                return;
            case "rollback to": {
                const at = this.savepoints.at(-1);
                if (at !== undefined) {
                    await this.client.query("ROLLBACK TO SAVEPOINT s");
                    this.statements.length = at;
                }
                return;
            }
            default:
                await this.begin();
                await this.write(operation);
        }
    }

    private async begin(): Promise<void> {
        if (!this.isOpen) {
            await this.client.query("BEGIN");
            this.isOpen = true;
        }
    }

    private async commit(): Promise<void> {
        if (!this.isOpen) {
            return;
        }
        const { rows } = await this.client.query<{ xid: string | null }>(
            "SELECT pg_current_xact_id_if_assigned()::xid::text AS xid",
        );
        await this.client.query("COMMIT");
        const statements = this.statements.filter((effects) => effects.length > 0);
        const xid = rows[0]?.xid;
        this.forget();
        if (typeof xid === "string" && statements.length > 0) {
            const { rows: times } = await this.client.query<{ at: string }>(
                "SELECT to_char(pg_xact_commit_timestamp($1::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS at",
                [xid],
            );
            this.onCommit({ statements, at: times[0]?.at ?? "" });
        }
    }

    private forget(): void {
        this.isOpen = false;
        this.statements = [];
        this.savepoints = [];
    }

    private async write(operation: Extract<Operation, { table: number }>): Promise<void> {
        const at = operation.table % this.tables.length;
        const table = this.tables[at];
        if (table === undefined) {
            throw new RangeError("A workload needs a table.");
        }
        const { kind, version } = operation;
        const keys = [...new Set(operation.keys)];
        const name = qualified(table);
        switch (kind) {
            case "insert":
            case "copy": {
                await this.undoingDuplicates(async () => {
                    if (kind === "insert") {
                        await this.client.query(insertion(table, keys, version));
                    } else {
                        await copyIn(
                            this.client,
                            copyStatement(table),
                            copyRows(table, keys, version),
                        );
                    }
                    this.record(at, new Map(), await this.images(table, keys, ""));
                });
                return;
            }
            case "upsert": {
                const before = await this.images(table, keys, "FOR UPDATE OF t");
                const sets = table.data.map(({ name: column }) => {
                    const quoted = escapeIdentifier(column);
                    return `${quoted} = excluded.${quoted}`;
                });
                const conflict = table.key.map(({ name: column }) => escapeIdentifier(column));
                await this.client.query(
                    `${insertion(table, keys, version)} ON CONFLICT (${conflict.join(", ")}) DO UPDATE SET ${sets.join(", ")}`,
                );
                this.record(at, before, await this.images(table, keys, ""));
                return;
            }
            case "update":
            case "touch":
            case "delete":
            case "reinsert": {
                const before = await this.images(table, keys, "FOR UPDATE OF t");
                const held = keys.filter((n) => before.has(n));
                if (held.length === 0) {
                    return;
                }
                const where = keyTest(table, held);
                if (kind === "delete" || kind === "reinsert") {
                    await this.client.query(`DELETE FROM ${name} WHERE ${where}`);
                    this.record(at, before, new Map());
                    if (kind === "reinsert") {
                        await this.client.query(insertion(table, held, version));
                        this.record(at, new Map(), await this.images(table, held, ""));
                    }
                    return;
                }
                const values = dataLiterals(table, version);
                const every = table.data.map(({ name: column }, index) => {
                    const quoted = escapeIdentifier(column);
                    return `${quoted} = ${kind === "touch" ? quoted : (values[index] ?? "NULL")}`;
                });
                // Odd versions change one column alone: the others may be out of line and stay out of the WAL.
                const sets = version % 2 === 1 ? every.slice(0, 1) : every;
                await this.client.query(`UPDATE ${name} SET ${sets.join(", ")} WHERE ${where}`);
                this.record(at, before, await this.images(table, held, ""));
            }
        }
    }

    /** A statement that meets a key that is taken leaves aborted rows in the WAL, and nothing else. */
    private async undoingDuplicates(work: () => Promise<void>): Promise<void> {
        await this.client.query("SAVEPOINT statement");
        try {
            await work();
            await this.client.query("RELEASE SAVEPOINT statement");
        } catch (error) {
            if (!(error instanceof DatabaseError && error.code === "23505")) {
                throw error;
            }
            await this.client.query("ROLLBACK TO SAVEPOINT statement; RELEASE SAVEPOINT statement");
        }
    }

    private record(table: number, before: Images, after: Images): void {
        const images = new Map([...before, ...after]);
        this.statements.push(
            [...images].map(([n, { row }]) => {
                const seen = before.get(n)?.image;
                const known = seen === undefined ? {} : { before: seen };
                return { table, row, ...known, after: after.get(n)?.image ?? null };
            }),
        );
    }

    /** The rows of these keys as this transaction sees them. */
    private async images(
        table: RandomTable,
        keys: readonly number[],
        locking: "" | "FOR UPDATE OF t",
    ): Promise<Images> {
        const places = table.key.map((_, at) => `k${at}`);
        const wanted = keys.map((n) => `(${[n, ...keyLiterals(table, n)].join(", ")})`);
        const join = table.key.map(
            ({ name }, at) => `t.${escapeIdentifier(name)} = v.${places[at] ?? ""}`,
        );
        const { rows } = await this.client.query<{ n: number; row: string; image: string }>(
            `SELECT v.n, ${rowKeySql(table)} AS row, to_jsonb(t.*)::text AS image
                FROM ${qualified(table)} AS t
                JOIN (VALUES ${wanted.join(", ")}) AS v (n, ${places.join(", ")}) ON ${join.join(" AND ")}
                ORDER BY v.n ${locking}`,
        );
        return new Map(rows.map(({ n, row, image }) => [n, { row, image }]));
    }
}

type Images = ReadonlyMap<number, { readonly row: string; readonly image: string }>;

/** The log's row_key of a row of the source's table `t`, as text. */
export function rowKeySql(table: RandomTable): string {
    const pairs = table.key.map(
        ({ name }) => `${escapeLiteral(name)}, to_jsonb(t.${escapeIdentifier(name)})`,
    );
    return `jsonb_build_object(${pairs.join(", ")})::text`;
}

function columnList(table: RandomTable): string {
    return [...table.key, ...table.data].map(({ name }) => escapeIdentifier(name)).join(", ");
}

function insertion(table: RandomTable, keys: readonly number[], version: number): string {
    const rows = keys.map((n, at) =>
        [...keyLiterals(table, n), ...dataLiterals(table, version + at)].join(", "),
    );
    return `INSERT INTO ${qualified(table)} (${columnList(table)}) VALUES ${rows.map((row) => `(${row})`).join(", ")}`;
}

function copyStatement(table: RandomTable): string {
    return `COPY ${qualified(table)} (${columnList(table)}) FROM STDIN`;
}

function copyRows(table: RandomTable, keys: readonly number[], version: number): string {
    return keys
        .map((n, at) => [...keyValues(table, n), ...dataValues(table, version + at)])
        .map((values) => `${values.map((value) => copyField(value)).join("\t")}\n`)
        .join("");
}
