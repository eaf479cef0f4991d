import type { Client, QueryResultRow } from "pg";

/** The first row of a query, or undefined. */
export async function firstRow<Row extends QueryResultRow>(
    client: Client,
    query: string,
    values: readonly unknown[] = [],
): Promise<Row | undefined> {
    return (await client.query<Row>(query, [...values])).rows[0];
}

/** Whether a query finds anything. */
async function finds(client: Client, query: string, name: string): Promise<boolean> {
    return (await firstRow(client, query, [name])) !== undefined;
}

/** Whether the server has this role. */
export function roleExists(client: Client, role: string): Promise<boolean> {
    return finds(client, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", role);
}

/** Whether the server has this database. */
export function databaseExists(client: Client, database: string): Promise<boolean> {
    return finds(client, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", database);
}

/** Whether the current database has this schema. */
export function schemaExists(client: Client, schema: string): Promise<boolean> {
    return finds(client, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", schema);
}

/** Whether a role is a superuser. Throws when there is no such role. */
export async function isSuperuser(client: Client, role: string): Promise<boolean> {
    const row = await firstRow<{ rolsuper: boolean }>(
        client,
        "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1",
        [role],
    );
    if (row === undefined) {
        throw new Error(`could not check if role ${role} is superuser: sql: no rows in result set`);
    }
    return row.rolsuper;
}

/** The owner of the current database. */
export async function databaseOwner(client: Client): Promise<string> {
    const row = await firstRow<{ owner: string }>(
        client,
        `SELECT pg_catalog.pg_get_userbyid(datdba) AS owner FROM pg_catalog.pg_database
         WHERE datname = pg_catalog.current_database()`,
    );
    return row?.owner ?? "";
}

/**
 * Waits for the advisory locks that the real provider takes: on a role and on its members, so that a change made from
 * elsewhere with the same provider cannot interleave.
 */
export async function lockRole(client: Client, role: string): Promise<void> {
    await client.query(
        `SELECT pg_catalog.pg_advisory_xact_lock(oid::bigint) FROM pg_catalog.pg_roles WHERE rolname = $1`,
        [role],
    );
    await client.query(
        `SELECT pg_catalog.pg_advisory_xact_lock(m.member::bigint)
         FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
         WHERE r.rolname = $1`,
        [role],
    );
}
