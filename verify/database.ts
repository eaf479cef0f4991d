import type { Client } from "pg";
import { prepareSession } from "../database/session";
import type { SqlFile } from "../database/sqlTemplate";
import { messageOf, PlainError } from "../text/errors";
import type { TableName } from "../trail/tableDefinition";
import { lockScript } from "./tableScripts";

/** What its sessions set besides what every session of the program sets. */
export const VERIFY_SESSION: Readonly<Record<string, string>> = {
    lock_timeout: "2s",
    row_security: "off",
};

/** One of the two databases, and how it is called in messages. */
export class Database {
    private constructor(
        private readonly client: Client,
        readonly name: "source" | "audit",
        /** Opens a transaction in which a table can be read. */
        private readonly lock?: SqlFile,
    ) {}

    /**
     * Takes a connected client for the verification: both sides must write times, intervals, numbers and bytes as the same
     * text. A statement that would wait for a lock gives up instead of making writers wait behind it; one from which a
     * policy would hide rows fails.
     */
    static async prepare(client: Client, name: "source" | "audit"): Promise<Database> {
        await prepareSession(client, VERIFY_SESSION);
        return new Database(client, name);
    }

    /** The same database for scripts that read one table, which somebody else owns: only while it is a plain table. */
    reading(table: TableName): Database {
        return new Database(this.client, this.name, lockScript(table));
    }

    /**
     * Runs one script of one statement.
     *
     * @throws PlainError that names the script and the database
     */
    async rows<T extends object>(
        { file, sql }: SqlFile,
        parameters: readonly unknown[] = [],
    ): Promise<T[]> {
        const statement = async (): Promise<T[]> =>
            (await this.client.query<T>(sql, [...parameters])).rows;
        try {
            return this.lock === undefined
                ? await statement()
                : await this.locked(this.lock, statement);
        } catch (cause) {
            const reason = messageOf(cause);
            throw new PlainError(
                `${file} failed on the ${this.name} database (${reason}), so nothing can be said of the trail: ${mend(cause)}.`,
                { cause },
            );
        }
    }

    private async locked<T>({ sql }: SqlFile, statement: () => Promise<T>): Promise<T> {
        try {
            // One result for each statement.
            const results: unknown = await this.client.query(sql);
            const last: unknown = Array.isArray(results) ? results.at(-1) : results;
            if (!isPlain(last)) {
                throw new Error("it is no plain table");
            }
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

/** What to do about a script that failed. */
function mend(cause: unknown): string {
    return cause instanceof Error && "code" in cause && cause.code === LOCKED
        ? "somebody has locked a table that it reads (pg_locks shows who), so run this again once that transaction has ended"
        : "check that the stack is deployed and that this user may read it";
}

function isPlain(result: unknown): boolean {
    const { rows } = result as { readonly rows: readonly { readonly is_plain: boolean }[] };
    return rows[0]?.is_plain === true;
}
