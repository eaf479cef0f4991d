import type { Client } from "pg";
import { prepareSession } from "../database/session";
import { renderSql, type SqlFile } from "../database/sqlTemplate";
import { codeOf, messageOf, PlainError } from "../text/errors";
import type { TableDefinition } from "../trail/tableDefinition";
import { type Lock, LockedError } from "./locks";
import { LOCK_TIMEOUT_MS } from "./report";
import { holdScript } from "./tableScripts";

/** What its sessions set besides what every session of the program sets. */
export const VERIFY_SESSION: Readonly<Record<string, string>> = {
    lock_timeout: String(LOCK_TIMEOUT_MS),
    row_security: "off",
};

/** How long a script waits for a lock once it has waited in vain, in milliseconds. */
const IMPATIENCE_MS = 200;

/** One of the two databases, and how it is called in messages. */
export class Database {
    private constructor(
        private readonly client: Client,
        readonly name: "source" | "audit",
        private readonly lockTimeoutMs: number,
        /** What is run before each statement, in a transaction with it. */
        private readonly hold?: SqlFile,
        /** The scripts that waited for a lock in vain: each table's turn of them waits only shortly. */
        private readonly gaveUp = new Set<string>(),
    ) {}

    /**
     * Takes a connected client for the verification: both sides must write times, intervals, numbers and bytes as the same
     * text. A statement that would wait for a lock gives up instead of making writers wait behind it; one from which a
     * policy would hide rows fails.
     */
    static async prepare(
        client: Client,
        name: "source" | "audit",
        lockTimeoutMs = LOCK_TIMEOUT_MS,
    ): Promise<Database> {
        const lock_timeout = String(lockTimeoutMs);
        await prepareSession(client, { ...VERIFY_SESSION, lock_timeout });
        return new Database(client, name, lockTimeoutMs);
    }

    /** The same database for scripts that read one table, which somebody else owns: only while it is a plain table. */
    reading(table: TableDefinition): Database {
        return new Database(
            this.client,
            this.name,
            this.lockTimeoutMs,
            holdScript(table),
            this.gaveUp,
        );
    }

    /**
     * Runs one script of one statement.
     *
     * @throws PlainError that names the script and the database; LockedError that also names who has locked what
     */
    async rows<T extends object>(
        { file, sql }: SqlFile,
        parameters: readonly unknown[] = [],
    ): Promise<T[]> {
        const statement = async (): Promise<T[]> =>
            (await this.client.query<T>(sql, [...parameters])).rows;
        const isImpatient = this.gaveUp.has(file);
        try {
            if (isImpatient) {
                await this.client.query(`SET lock_timeout = ${String(IMPATIENCE_MS)}`);
            }
            return this.hold === undefined
                ? await statement()
                : await this.holding(this.hold, statement);
        } catch (cause) {
            if (codeOf(cause) === LOCKED) {
                this.gaveUp.add(file);
                throw new LockedError(this.name, await this.locks(), file, { cause });
            }
            const reason = messageOf(cause);
            throw new PlainError(
                wasCut(cause)
                    ? `The connection to the ${this.name} database was cut (${reason.replace(/\.$/, "")}), so nothing can be said of the trail: check the way to the database, and run this again.`
                    : `${file} failed on the ${this.name} database (${reason}), so nothing can be said of the trail: check that the stack is deployed and that this user may read it.`,
                { cause },
            );
        } finally {
            if (isImpatient) {
                await this.client
                    .query(`SET lock_timeout = ${String(this.lockTimeoutMs)}`)
                    .catch(() => undefined); // The connection is gone, which was said.
            }
        }
    }

    /** Who has locked tables now; nobody where that cannot be asked, as in a transaction that has failed. */
    private async locks(): Promise<readonly Lock[]> {
        const { sql } = renderSql("sql/verify/lock_holders.sql");
        return await this.client.query<Lock>(sql).then(
            ({ rows }) => rows,
            () => [],
        );
    }

    private async holding<T>({ sql }: SqlFile, statement: () => Promise<T>): Promise<T> {
        try {
            await this.client.query(`BEGIN READ ONLY; ${sql}`);
            return await statement();
        } finally {
            await this.client.query("ROLLBACK");
        }
    }

    /**
     * Does something in a transaction that is rolled back whatever happens.
     *
     * @param work gets a function that runs a script of several statements
     */
    async rolledBack<T>(work: (run: (script: SqlFile) => Promise<void>) => Promise<T>): Promise<T> {
        await this.client.query("BEGIN");
        try {
            return await work(async ({ file, sql }) => {
                try {
                    await this.client.query(sql);
                } catch (cause) {
                    const reason = messageOf(cause);
                    throw new PlainError(
                        `${file} failed on the ${this.name} database (${reason})`,
                        { cause },
                    );
                }
            });
        } finally {
            await this.client.query("ROLLBACK");
        }
    }

    /** The only row of a script that always has one. */
    async row<T extends object>(script: SqlFile, parameters: readonly unknown[] = []): Promise<T> {
        const [row] = await this.rows<T>(script, parameters);
        if (row === undefined) {
            throw new PlainError(`${script.file} found nothing on the ${this.name} database.`);
        }
        return row;
    }
}

/** lock_not_available, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const LOCKED = "55P03";

/** What pg says of a connection that ended under it, or had ended before. */
const CUT = /^Connection terminated|^Client has encountered a connection error/;

/** Whether the connection broke, as opposed to a server that answered with an error. */
function wasCut(cause: unknown): boolean {
    const code = codeOf(cause);
    return (
        ["ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code) ||
        code.startsWith("EROUTE") ||
        CUT.test(messageOf(cause))
    );
}
