import { Client } from "pg";
import { Props } from "../provider";
import { Server } from "./connection";
import { text, texts } from "./properties";
import { PUBLIC, samePrivileges } from "./privileges";

/** One object and the privileges that the role has on it by a grant of its own. */
interface ObjectPrivileges {
    readonly object: string;
    readonly granted: string[];
}

/** A query for objects and their privileges; $1 is the role's oid, 0 for PUBLIC, $2 the schema. */
function query(from: string, object: string, acl: string): string {
    return `
        SELECT ${object} AS object,
               ARRAY(SELECT DISTINCT p.privilege_type FROM pg_catalog.aclexplode(${acl}) p
                     WHERE p.grantee = $1::oid ORDER BY 1) AS granted
        FROM ${from}
        WHERE n.nspname = $2`;
}

const QUERIES: Readonly<Record<string, string>> = {
    schema: query("pg_catalog.pg_namespace n", "n.nspname", "n.nspacl"),
    // Ordinary tables only: the real provider sees no drift on partitioned ones.
    table: `${query(
        "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
        "c.relname",
        "c.relacl",
    )} AND c.relkind = 'r'`,
};

async function roleOid(client: Client, role: string): Promise<number | undefined> {
    if (role === PUBLIC) {
        return 0;
    }
    const { rows } = await client.query<{ oid: number }>(
        "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1",
        [role],
    );
    return rows[0]?.oid;
}

/**
 * The grant as the server has it: the wanted privileges when every object that is there has them, otherwise those of one
 * that differs, so that the next update puts them right.
 */
export async function readGrant(server: Server, state: Props): Promise<Props> {
    const type = text(state, "objectType");
    const wanted = texts(state, "privileges");
    const objects = texts(state, "objects");
    const found = await server.session(text(state, "database"), async (client) => {
        const oid = await roleOid(client, text(state, "role"));
        const values = [oid, text(state, "schema")];
        return (await client.query<ObjectPrivileges>(QUERIES[type] ?? "", values)).rows;
    });
    const different = found.find(
        ({ object, granted }) =>
            (objects.length === 0 || objects.includes(object)) &&
            !samePrivileges(type, wanted, granted),
    );
    return {
        privileges: different?.granted ?? wanted.sort(),
        ...(objects.length === 0 ? {} : { objects: objects.sort() }),
    };
}
