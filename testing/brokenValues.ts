import type { Client } from "pg";

/**
 * Lets every change that is logged meanwhile fail as if its own value were the cause, in every step that the log's functions
 * take, and mends that again. The log itself is left alone.
 * @param code of the error, of a class that stands for the value: docs/guarantees.md
 */
export async function withBrokenValues(
    superuser: Client,
    attempt: () => Promise<unknown>,
    code = "22000",
): Promise<void> {
    const { rows } = await superuser.query<{ definition: string }>(
        "SELECT pg_get_functiondef('audit_trail.microseconds(timestamptz)'::regprocedure) AS definition",
    );
    await superuser.query(`
        CREATE OR REPLACE FUNCTION audit_trail.microseconds(moment timestamptz) RETURNS bigint LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'no room' USING ERRCODE = '${code}'; END $$`);
    try {
        await attempt();
    } finally {
        await superuser.query(rows[0]?.definition ?? "");
    }
}
