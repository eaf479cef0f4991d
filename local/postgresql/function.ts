import { escapeIdentifier } from "pg";
import type { CheckFailure, Props } from "../provider";
import type { Server } from "./connection";
import { functionId, place, readFunction } from "./functionState";
import type { Resource } from "./handler";
import { flag, type Properties, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true, replaces: true },
    schema: { kind: "text", computed: true, replaces: true },
    database: { kind: "text", computed: true, replaces: true },
    returns: { kind: "text", computed: true, replaces: true },
    language: { kind: "text", initial: "plpgsql", replaces: true },
    body: { kind: "text", required: true, keepsInput: true },
    volatility: {
        kind: "text",
        initial: "VOLATILE",
        oneOf: ["VOLATILE", "STABLE", "IMMUTABLE"],
    },
    parallel: { kind: "text", initial: "UNSAFE", oneOf: ["UNSAFE", "RESTRICTED", "SAFE"] },
    strict: { kind: "flag", initial: false },
    securityDefiner: { kind: "flag", initial: false },
};

/** Refuses what the real provider would twist or break on later: it cuts a body at the dollar quotes in it, and writes names unquoted into the query of a refresh. */
function validate(inputs: Props): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const property of ["name", "schema", "database"]) {
        if (text(inputs, property).includes("'")) {
            failures.push({
                property,
                reason: `The input "${property}" is "${text(inputs, property)}", but the provider cannot refresh a function whose ${property} has a single quote; choose another one or create the function from SQL.`,
            });
        }
    }
    if (/\$[a-z]*\$/i.test(text(inputs, "body"))) {
        failures.push({
            property: "body",
            reason: 'The input "body" holds a dollar quote, at which the provider would cut the body; use single quotes inside it.',
        });
    }
    return failures;
}

function definition(inputs: Props, replace: boolean): string {
    const schema = text(inputs, "schema") || "public";
    return [
        `CREATE ${replace ? "OR REPLACE " : ""}FUNCTION`,
        `${escapeIdentifier(schema)}.${escapeIdentifier(text(inputs, "name"))} ()`,
        `RETURNS ${text(inputs, "returns") || "void"}`,
        `LANGUAGE ${text(inputs, "language")}`,
        text(inputs, "volatility"),
        `PARALLEL ${text(inputs, "parallel")}`,
        flag(inputs, "strict") ? "STRICT" : "",
        flag(inputs, "securityDefiner") ? "SECURITY DEFINER" : "",
        `AS $function$${text(inputs, "body")}$function$`,
    ].join("\n");
}

/**
 * Creates or replaces the function, in a transaction of its own: what fails after it leaves the function there. Replacing
 * drops what ALTER FUNCTION ... SET gave it: PostgreSQL keeps only what is written.
 */
async function write(server: Server, inputs: Props, replace: boolean): Promise<void> {
    await server.transaction(text(inputs, "database"), (client) =>
        client.query(definition(inputs, replace)),
    );
}

/** A function without arguments (postgresql.Function). Its id is `database.schema.name()`. */
export const fn: Resource = {
    properties,
    validate,
    async create(server, inputs) {
        await write(server, inputs, false);
        return functionId(inputs, text(inputs, "database") || server.config.database);
    },
    read: readFunction,
    update: (server, _olds, news) => write(server, news, true),
    async delete(server, _state, id) {
        const { database, call } = place(id);
        await server.transaction(database, (client) =>
            client.query(`DROP FUNCTION IF EXISTS ${call} RESTRICT`),
        );
    },
};
