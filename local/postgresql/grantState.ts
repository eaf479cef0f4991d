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

/**
 * A query for objects and their privileges; $1 is the role's oid, 0 for PUBLIC. An object without an ACL has the
 * default one, in which PUBLIC may execute functions.
 */
function query(from: string, object: string, acl: string, where: string): string {
    return `
        SELECT ${object} AS object,
               ARRAY(SELECT DISTINCT p.privilege_type FROM pg_catalog.aclexplode(${acl}) p
                     WHERE p.grantee = $1::oid) AS granted
        FROM ${from} WHERE ${where}`;
}

const IN_SCHEMA = "n.nspname = $2";
const RELATIONS = "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";
const ROUTINES = "pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace";

function routines(kinds: string): string {
    return query(
        ROUTINES,
        "p.proname",
        "COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))",
        `${IN_SCHEMA} AND p.prokind IN (${kinds})`,
    );
}

/** The query of each object type; $2 is the schema, or the database or the object where there is no schema. */
const QUERIES: Readonly<Record<string, string>> = {
    database: query(
        "pg_catalog.pg_database d",
        "d.datname",
        "COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))",
        "d.datname = $2",
    ),
    schema: query(
        "pg_catalog.pg_namespace n",
        "n.nspname",
        "COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))",
        IN_SCHEMA,
    ),
    table: query(
        RELATIONS,
        "c.relname",
        "COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))",
        `${IN_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    ),
    sequence: query(
        RELATIONS,
        "c.relname",
        "COALESCE(c.relacl, pg_catalog.acldefault('s', c.relowner))",
        `${IN_SCHEMA} AND c.relkind = 'S'`,
    ),
    function: routines("'f', 'a', 'w'"),
    procedure: routines("'p'"),
    routine: routines("'f', 'a', 'w', 'p'"),
    foreign_data_wrapper: query(
        "pg_catalog.pg_foreign_data_wrapper w",
        "w.fdwname",
        "w.fdwacl",
        "w.fdwname = $2",
    ),
    foreign_server: query(
        "pg_catalog.pg_foreign_server s",
        "s.srvname",
        "s.srvacl",
        "s.srvname = $2",
    ),
    column: query(
        `${RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid`,
        "a.attname",
        "a.attacl",
        `${IN_SCHEMA} AND c.relname = $3 AND a.attnum > 0 AND NOT a.attisdropped`,
    ),
};

async function objectPrivileges(client: Client, state: Props): Promise<ObjectPrivileges[]> {
    const type = text(state, "objectType");
    const role = text(state, "role");
    const oid =
        role === PUBLIC
            ? 0
            : (
                  await client.query<{ oid: number }>(
                      "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1",
                      [role],
                  )
              ).rows[0]?.oid;
    const [object] = texts(state, "objects");
    const place = type === "database" ? text(state, "database") : text(state, "schema");
    const foreign = type.startsWith("foreign_");
    const values = [oid, foreign ? object : place, ...(type === "column" ? [object] : [])];
    return (await client.query<ObjectPrivileges>(QUERIES[type] ?? "", values)).rows;
}

/** The names that must have the privileges: those the grant lists, or all that are found. */
function expected(state: Props, found: readonly ObjectPrivileges[]): string[] {
    const type = text(state, "objectType");
    const named = texts(state, type === "column" ? "columns" : "objects");
    return named.length > 0
        ? named.map((name) => name.split("(")[0] ?? name)
        : found.map(({ object }) => object);
}

/**
 * The grant as the server has it: the wanted privileges when every object has them, otherwise those of the first object
 * that differs, so that the next update puts them right.
 */
export async function readGrant(server: Server, state: Props): Promise<Props> {
    const type = text(state, "objectType");
    const wanted = texts(state, "privileges");
    const found = await server.session(text(state, "database"), (client) =>
        objectPrivileges(client, state),
    );
    for (const name of expected(state, found)) {
        // Several functions can have one name; those the grant is not about must not count.
        const matches = found.filter(({ object }) => object === name);
        if (!matches.some(({ granted }) => samePrivileges(type, wanted, granted))) {
            return { privileges: matches[0]?.granted ?? [] };
        }
    }
    return { privileges: wanted };
}
