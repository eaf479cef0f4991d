import { escapeIdentifier } from "pg";
import { Props } from "../provider";
import { databaseExists, firstRow } from "./catalog";
import { Server } from "./connection";
import { records, text } from "./properties";

interface FunctionRow {
    readonly schema: string;
    readonly name: string;
    readonly language: string;
    readonly returns: string;
    readonly body: string;
    readonly volatility: string;
    readonly parallel: string;
    readonly strict: boolean;
    readonly securityDefiner: boolean;
    readonly args: readonly {
        mode: string;
        name: string | null;
        type: string;
        default: string | null;
    }[];
}

const FUNCTION = `
    SELECT n.nspname AS schema, p.proname AS name, l.lanname AS language,
           pg_catalog.pg_get_function_result(p.oid) AS returns, p.prosrc AS body,
           CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
           CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END AS parallel,
           p.proisstrict AS strict, p.prosecdef AS "securityDefiner",
           COALESCE((
               SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'mode', CASE p.proargmodes[a.n] WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT'
                                                   WHEN 'v' THEN 'VARIADIC' ELSE 'IN' END,
                   'name', NULLIF(p.proargnames[a.n], ''),
                   'type', pg_catalog.format_type(a.type, NULL),
                   'default', pg_catalog.pg_get_function_arg_default(p.oid, a.n::integer)
               ) ORDER BY a.n)
               FROM pg_catalog.unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[]))
                    WITH ORDINALITY AS a(type, n)
               WHERE p.proargmodes[a.n] IS DISTINCT FROM 't'
           ), '[]') AS args
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid = pg_catalog.to_regprocedure($1)`;

/**
 * The body between `AS $$` and `$$`, or the whole text where these are not written, as the real provider takes it;
 * undefined where it would cut at a dollar quote inside the body.
 */
export function cutBody(body: string): string | undefined {
    const quoted = /^(.*)\$[a-zA-Z]*\$\s(.*)\s\$[a-zA-Z]*\$(.*)$/s.exec(body);
    if (quoted === null) {
        return body;
    }
    const [, before, inside, after] = quoted;
    return /^\s*(AS\s*)?$/i.test(before ?? "") && /^\s*;?\s*$/.test(after ?? "")
        ? inside
        : undefined;
}

function inputTypes(state: Props): string[] {
    return records(state, "args")
        .filter((arg) => text(arg, "mode") !== "OUT")
        .map((arg) => text(arg, "type"));
}

/** The function as DROP FUNCTION and to_regprocedure take it. */
export function signature(state: Props): string {
    const schema = text(state, "schema") || "public";
    return `${escapeIdentifier(schema)}.${escapeIdentifier(text(state, "name"))}(${inputTypes(state).join(",")})`;
}

/** The real provider's id of a function. */
export function functionId(state: Props, database: string): string {
    const schema = text(state, "schema") || "public";
    return `${database}.${schema}.${text(state, "name")}(${inputTypes(state).join(",")})`;
}

/** The database and the signature, from the state or, for an import, from an id `[database.]schema.name(types)`. */
export function place(
    server: Server,
    id: string,
    state: Props,
): { database: string; call: string } {
    if (text(state, "name") !== "") {
        return {
            database: text(state, "database") || server.config.database,
            call: signature(state),
        };
    }
    const parts = /^(?:([^.]+)\.)?([^.]+)\.([^.(]+)\(([^.]*)\)$/.exec(id);
    if (parts === null) {
        throw new Error(`the id "${id}" is not of the form database.schema.name(types)`);
    }
    const [, database, schema, name, types] = parts;
    return {
        database: database ?? server.config.database,
        call: `${escapeIdentifier(schema ?? "")}.${escapeIdentifier(name ?? "")}(${types ?? ""})`,
    };
}

/** A function as the server has it now; undefined when it is gone. Types come back in PostgreSQL's own spelling. */
export async function readFunction(
    server: Server,
    id: string,
    state: Props,
): Promise<Props | undefined> {
    const { database, call } = place(server, id, state);
    if (!(await server.session("", (client) => databaseExists(client, database)))) {
        return undefined;
    }
    const row = await server.session(database, (client) =>
        firstRow<FunctionRow>(client, FUNCTION, [call]),
    );
    if (row === undefined) {
        return undefined;
    }
    const { args, body, ...rest } = row;
    const live: Props = {
        ...rest,
        database,
        // The same body in its dollar quotes is no difference.
        body: cutBody(text(state, "body")) === body ? text(state, "body") : body,
    };
    if (args.length > 0 || records(state, "args").length > 0) {
        live.args = args.map((arg) =>
            Object.fromEntries(Object.entries(arg).filter(([, value]) => value !== null)),
        );
    }
    return live;
}
