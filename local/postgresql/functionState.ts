import { escapeIdentifier } from "pg";
import type { Props } from "../provider";
import { firstRow } from "./catalog";
import type { Server } from "./connection";
import { text } from "./properties";

const FUNCTION = `
    SELECT pg_catalog.quote_ident(n.nspname) AS schema, pg_catalog.quote_ident(p.proname) AS name,
           pg_catalog.quote_ident(l.lanname) AS language,
           pg_catalog.pg_get_function_result(p.oid) AS returns, p.prosrc AS body,
           CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
           CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END AS parallel,
           p.proisstrict AS strict, p.prosecdef AS "securityDefiner"
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid = pg_catalog.to_regprocedure($1)`;

/** The real provider's id of a function without arguments; those with arguments are not served here. */
export function functionId(inputs: Props, database: string): string {
    const schema = text(inputs, "schema") || "public";
    return `${database}.${schema}.${text(inputs, "name")}()`;
}

/**
 * The database and the signature in an id, taken apart as the real provider does it: it cannot tell a dot or a
 * parenthesis in a name from its own.
 */
export function place(id: string): { database: string; call: string } {
    const [database = "", schema = "", rest = "", ...more] = id.split(".");
    const parts = /^([^(]+)\((.*)\)/s.exec(rest);
    if (more.length > 0 || parts === null) {
        throw new Error(
            `function ID ${id} has not the expected format 'database.schema.function_name(arguments)'`,
        );
    }
    const [, name = "", types = ""] = parts;
    return { database, call: `${escapeIdentifier(schema)}.${escapeIdentifier(name)}(${types})` };
}

/**
 * A function as the server has it now; undefined when it is gone. The real provider reads it from the text of
 * pg_get_functiondef, so names come back quoted where they need quotes, which then counts as another name.
 */
export async function readFunction(server: Server, id: string): Promise<Props | undefined> {
    const { database, call } = place(id);
    const row = await server.session(database, (client) =>
        firstRow<Props>(client, FUNCTION, [call]),
    );
    return row && { ...row, database, args: [] };
}
