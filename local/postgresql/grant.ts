import { Client, escapeIdentifier } from "pg";
import { CheckFailure, Props } from "../provider";
import {
    databaseExists,
    lockRole,
    roleExists,
    schemaExists,
    schemaOwner,
    tableOwners,
} from "./catalog";
import { Server } from "./connection";
import { inContext } from "./failures";
import { readGrant } from "./grantState";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { flag, Properties, text, texts } from "./properties";
import { privilegeProblem, PUBLIC } from "./privileges";

const properties: Properties = {
    role: { kind: "text", required: true, replaces: true },
    database: { kind: "text", required: true, replaces: true },
    schema: { kind: "text", required: true, replaces: true },
    objectType: { kind: "text", required: true, replaces: true, oneOf: ["schema", "table"] },
    objects: { kind: "texts", unordered: true, replaces: true },
    columns: { kind: "texts", unordered: true, replaces: true },
    privileges: { kind: "texts", required: true, unordered: true },
    withGrantOption: { kind: "flag", initial: false, replaces: true },
};

function validate(inputs: Props): CheckFailure[] {
    const type = text(inputs, "objectType");
    const rules: readonly (readonly [broken: boolean, property: string, rule: string])[] = [
        [
            type === "schema" && texts(inputs, "objects").length > 0,
            "objects",
            "must be left out for object type schema",
        ],
        [texts(inputs, "columns").length > 0, "columns", "is not served by the stand-in"],
        [
            flag(inputs, "withGrantOption") && text(inputs, "role") === PUBLIC,
            "withGrantOption",
            "cannot be true for role public",
        ],
    ];
    const failures = rules
        .filter(([broken]) => broken)
        .map(([, property, rule]) => ({ property, reason: `The input "${property}" ${rule}.` }));
    const wrong = privilegeProblem(type, texts(inputs, "privileges"));
    return wrong === undefined
        ? failures
        : [...failures, { property: "privileges", reason: wrong }];
}

/** A table's name as the real provider writes it: what follows a parenthesis is taken for a function's argument types. */
function objectName(schema: string, object: string): string {
    const [name = "", types] = object.split("(");
    const tail = types === undefined ? "" : `(${types}`;
    return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}${tail}`;
}

/** What the privileges are on, as GRANT and REVOKE write it. */
function target(inputs: Props): string {
    const schema = text(inputs, "schema");
    if (text(inputs, "objectType") === "schema") {
        return `SCHEMA ${escapeIdentifier(schema)}`;
    }
    const objects = texts(inputs, "objects");
    return objects.length === 0
        ? `ALL TABLES IN SCHEMA ${escapeIdentifier(schema)}`
        : `TABLE ${objects.map((object) => objectName(schema, object)).join(", ")}`;
}

/**
 * Takes privileges away: all of them, but only the given ones for named tables, since taking all from a table takes away
 * what was granted on its columns.
 */
async function revoke(client: Client, inputs: Props): Promise<void> {
    const privileges = texts(inputs, "privileges");
    const some = texts(inputs, "objects").length > 0 && privileges.length > 0;
    const taken = some ? privileges.join(", ") : "ALL PRIVILEGES";
    const role = escapeIdentifier(text(inputs, "role"));
    await inContext("could not execute revoke query", () =>
        client.query(`REVOKE ${taken} ON ${target(inputs)} FROM ${role}`),
    );
}

async function give(client: Client, inputs: Props): Promise<void> {
    const privileges = texts(inputs, "privileges");
    if (privileges.length > 0) {
        const option = flag(inputs, "withGrantOption") ? " WITH GRANT OPTION" : "";
        const role = escapeIdentifier(text(inputs, "role"));
        await client.query(
            `GRANT ${privileges.join(", ")} ON ${target(inputs)} TO ${role}${option}`,
        );
    }
}

/** The roles whose membership the statements need: the owners of what is granted on. */
async function owners(client: Client, inputs: Props): Promise<string[]> {
    const schema = text(inputs, "schema");
    const ofTables =
        text(inputs, "objectType") === "schema" ? [] : await tableOwners(client, schema);
    return [...ofTables, await schemaOwner(client, schema)];
}

/** Takes away what `previous` gave and gives what `next` asks for, in one transaction, so that no session sees a gap. */
async function exchange(server: Server, previous: Props, next: Props | undefined): Promise<void> {
    await server.transaction(text(previous, "database"), async (client) => {
        await lockRole(client, text(previous, "role"));
        await asMemberOf(client, await owners(client, previous), async () => {
            await revoke(client, previous);
            if (next !== undefined) {
                await give(client, next);
            }
        });
    });
}

/** Whether everything the grant is about is still there. */
async function isThere(server: Server, state: Props): Promise<boolean> {
    const role = text(state, "role");
    const there = await server.session(
        "",
        async (client) =>
            (await databaseExists(client, text(state, "database"))) &&
            (role === PUBLIC || (await roleExists(client, role))),
    );
    return (
        there &&
        (await server.session(text(state, "database"), (client) =>
            schemaExists(client, text(state, "schema")),
        ))
    );
}

/** Privileges of a role on a schema or on tables (postgresql.Grant). Its id joins role, database, schema, type and objects by "_". */
export const grant: Resource = {
    properties,
    deleteBeforeReplace: true,
    validate,
    async create(server, inputs) {
        await exchange(server, inputs, inputs);
        return [
            text(inputs, "role"),
            text(inputs, "database"),
            text(inputs, "schema"),
            text(inputs, "objectType"),
            ...texts(inputs, "objects").sort(),
        ].join("_");
    },
    async read(server, _id, state) {
        return (await isThere(server, state)) ? readGrant(server, state) : undefined;
    },
    update: (server, olds, news) => exchange(server, olds, news),
    delete: (server, state) => exchange(server, state, undefined),
};
