import type { Client } from "pg";

import type { SqlFile } from "../components/trail/shape";
import { VerifyError } from "./report";

/** One of the two databases, and how it is called in messages. */
export class Database {
    private constructor(
        private readonly client: Client,
        readonly name: "source" | "audit",
    ) {}

    /**
     * Takes a connected client for the verification: both sides must write times, intervals, numbers and bytes as the same
     * text. Row security that would hide rows is an error. A statement that would wait for a lock gives up instead of
     * making writers wait behind it.
     */
    static async prepare(client: Client, name: "source" | "audit"): Promise<Database> {
        await client.query(
            "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; " +
                "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; " +
                "SET lock_timeout = '2s'; SET row_security = off; SET search_path = pg_catalog, pg_temp",
        );
        return new Database(client, name);
    }

    /**
     * Runs one script of one statement.
     *
     * @throws VerifyError that names the script and the database
     */
    async rows<T extends object>(
        { file, sql }: SqlFile,
        parameters: readonly unknown[] = [],
    ): Promise<T[]> {
        try {
            return (await this.client.query<T>(sql, [...parameters])).rows;
        } catch (cause) {
            const reason = cause instanceof Error ? cause.message : String(cause);
            throw new VerifyError(
                `${file} failed on the ${this.name} database (${reason}), so nothing can be said of the trail: check that the stack is deployed and that this user may read it.`,
                { cause },
            );
        }
    }

    /** The only row of a script that always has one. */
    async row<T extends object>(script: SqlFile, parameters: readonly unknown[] = []): Promise<T> {
        const [row] = await this.rows<T>(script, parameters);
        if (row === undefined) {
            throw new VerifyError(`${script.file} found nothing on the ${this.name} database.`);
        }
        return row;
    }
}
