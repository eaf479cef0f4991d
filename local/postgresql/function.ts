import { escapeIdentifier } from "pg";
import { CheckFailure, Props } from "../provider";
import { databaseExists } from "./catalog";
import { Server } from "./connection";
import { cutBody, functionId, place, readFunction, signature } from "./functionState";
import { Resource } from "./handler";
import { flag, Properties, records, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true, replaces: true },
    schema: { kind: "text", computed: true, replaces: true },
    database: { kind: "text", computed: true, replaces: true },
    args: {
        kind: "records",
        replaces: true,
        item: {
            type: { kind: "text", required: true },
            name: { kind: "text" },
            mode: { kind: "text", initial: "IN", oneOf: ["IN", "OUT", "INOUT", "VARIADIC"] },
            default: { kind: "text" },
        },
    },
    returns: { kind: "text", computed: true, replaces: true },
    language: { kind: "text", initial: "plpgsql", replaces: true },
    body: { kind: "text", required: true },
    volatility: {
        kind: "text",
        initial: "VOLATILE",
        oneOf: ["VOLATILE", "STABLE", "IMMUTABLE"],
    },
    parallel: { kind: "text", initial: "UNSAFE", oneOf: ["UNSAFE", "RESTRICTED", "SAFE"] },
    strict: { kind: "flag", initial: false },
    securityDefiner: { kind: "flag", initial: false },
    dropCascade: { kind: "flag", initial: false },
};

/**
 * Refuses what the real provider breaks on: it finds a function again by an id `database.schema.name(types)` that it
 * splits at dots and parentheses, writes argument names unquoted, and cuts a body at the dollar quotes in it.
 */
function validate(inputs: Props): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const key of ["name", "schema", "database"]) {
        if (/[.(']/.test(text(inputs, key))) {
            failures.push({
                property: key,
                reason: `The input "${key}" is "${text(inputs, key)}", but the provider cannot manage a function whose ${key} has a dot, a parenthesis or a single quote; choose another one or create the function from SQL.`,
            });
        }
    }
    for (const arg of records(inputs, "args")) {
        if (/[.']/.test(text(arg, "type"))) {
            failures.push({
                property: "args",
                reason: `The input "args" has the type "${text(arg, "type")}", but the provider cannot manage a function whose argument types have a dot or a single quote; leave out the schema of the type.`,
            });
        }
        if (!/^([a-z_][a-z0-9_]*)?$/i.test(text(arg, "name"))) {
            failures.push({
                property: "args",
                reason: `The input "args" has the name "${text(arg, "name")}", but the provider writes argument names unquoted; use letters, digits and underscores.`,
            });
        }
    }
    const body = text(inputs, "body");
    if (body.includes("$function$") || cutBody(body) === undefined) {
        failures.push({
            property: "body",
            reason: 'The input "body" holds a dollar-quoted text at which the provider would cut the body; use single quotes inside it.',
        });
    }
    return failures;
}

/** `void`, or the type of the last OUT argument, where the program names no type. */
function returns(inputs: Props): string {
    const out = records(inputs, "args").filter((arg) => text(arg, "mode") === "OUT");
    return text(inputs, "returns") || text(out.at(-1) ?? {}, "type") || "void";
}

function definition(inputs: Props, replace: boolean): string {
    const args = records(inputs, "args").map((arg) =>
        [
            text(arg, "mode"),
            text(arg, "name"),
            text(arg, "type"),
            text(arg, "default") && `DEFAULT ${text(arg, "default")}`,
        ]
            .filter((part) => part !== "")
            .join(" "),
    );
    const schema = text(inputs, "schema") || "public";
    return [
        `CREATE ${replace ? "OR REPLACE " : ""}FUNCTION`,
        `${escapeIdentifier(schema)}.${escapeIdentifier(text(inputs, "name"))} (${args.join(", ")})`,
        `RETURNS ${returns(inputs)}`,
        `LANGUAGE ${escapeIdentifier(text(inputs, "language"))}`,
        text(inputs, "volatility"),
        `PARALLEL ${text(inputs, "parallel")}`,
        flag(inputs, "strict") ? "STRICT" : "CALLED ON NULL INPUT",
        flag(inputs, "securityDefiner") ? "SECURITY DEFINER" : "SECURITY INVOKER",
        `AS $function$${cutBody(text(inputs, "body")) ?? ""}$function$`,
    ].join("\n");
}

/** Creates or replaces the function. Replacing drops what ALTER FUNCTION ... SET gave it: PostgreSQL keeps only what is written. */
async function write(server: Server, inputs: Props, replace: boolean): Promise<void> {
    await server.transaction(text(inputs, "database"), (client) =>
        client.query(definition(inputs, replace)),
    );
}

/** A function of a database (postgresql.Function). Its id is `database.schema.name(argument types)`. */
export const fn: Resource = {
    properties,
    label: (inputs) =>
        `function "${[text(inputs, "schema") || "public", text(inputs, "name")].join(".")}"`,
    validate,
    async create(server, inputs) {
        await write(server, inputs, false);
        return functionId(inputs, text(inputs, "database") || server.config.database);
    },
    read: readFunction,
    update: (server, _olds, news) => write(server, news, true),
    async delete(server, state) {
        const { database } = place(server, "", state);
        if (await server.session("", (client) => databaseExists(client, database))) {
            await server.transaction(database, (client) =>
                client.query(
                    `DROP FUNCTION IF EXISTS ${signature(state)} ${flag(state, "dropCascade") ? "CASCADE" : "RESTRICT"}`,
                ),
            );
        }
    },
};
