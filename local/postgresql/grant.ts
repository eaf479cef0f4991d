import { Client } from "pg";
import { CheckFailure, Props } from "../provider";
import {
    databaseExists,
    lockDatabase,
    lockRole,
    lockSchema,
    roleExists,
    schemaExists,
    schemaOwner,
    tableOwners,
} from "./catalog";
import { Server } from "./connection";
import { readGrant } from "./grantState";
import { grantStatement, revokeStatement } from "./grantSql";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { flag, Properties, text, texts } from "./properties";
import { privilegeProblem, PUBLIC } from "./privileges";

const OBJECT_TYPES = [
    "database",
    "function",
    "procedure",
    "routine",
    "schema",
    "sequence",
    "table",
    "foreign_data_wrapper",
    "foreign_server",
    "column",
];

const WITHOUT_SCHEMA = ["database", "foreign_data_wrapper", "foreign_server"];

const properties: Properties = {
    role: { kind: "text", required: true, replaces: true },
    database: { kind: "text", required: true, replaces: true },
    schema: { kind: "text", replaces: true },
    objectType: { kind: "text", required: true, replaces: true, oneOf: OBJECT_TYPES },
    objects: { kind: "texts", unordered: true, replaces: true },
    columns: { kind: "texts", unordered: true, replaces: true },
    privileges: { kind: "texts", required: true, unordered: true },
    withGrantOption: { kind: "flag", initial: false, replaces: true },
};

function validate(inputs: Props): CheckFailure[] {
    const type = text(inputs, "objectType");
    const objects = texts(inputs, "objects").length;
    const columns = texts(inputs, "columns").length;
    const rules: readonly (readonly [broken: boolean, property: string, rule: string])[] = [
        [
            text(inputs, "schema") === "" && !WITHOUT_SCHEMA.includes(type),
            "schema",
            `is required for object type ${type}`,
        ],
        [
            objects > 0 && (type === "database" || type === "schema"),
            "objects",
            `must be left out for object type ${type}`,
        ],
        [
            objects !== 1 && ["column", "foreign_data_wrapper", "foreign_server"].includes(type),
            "objects",
            `must name exactly one object for object type ${type}`,
        ],
        [columns > 0 && type !== "column", "columns", "is only for object type column"],
        [columns === 0 && type === "column", "columns", "is required for object type column"],
        [
            type === "column" && texts(inputs, "privileges").length !== 1,
            "privileges",
            "must have exactly one item for object type column",
        ],
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

/** The roles whose membership the statements need: the owners of what is granted on. */
async function owners(client: Client, inputs: Props): Promise<string[]> {
    const type = text(inputs, "objectType");
    if (WITHOUT_SCHEMA.includes(type)) {
        return [];
    }
    const schema = text(inputs, "schema");
    const ofTables = type === "schema" ? [] : await tableOwners(client, schema);
    return [...ofTables, await schemaOwner(client, schema)];
}

/** Takes away what `previous` gave and gives what `next` asks for, in one transaction, so that no session sees a gap. */
async function exchange(server: Server, previous: Props, next: Props | undefined): Promise<void> {
    const role = text(previous, "role");
    const database = text(previous, "database");
    await server.transaction(database, async (client) => {
        await lockRole(client, role);
        if (text(previous, "objectType") === "database") {
            await lockDatabase(client, database);
        }
        await lockSchema(client, text(previous, "schema"));
        await asMemberOf(client, await owners(client, previous), async () => {
            const statements = [revokeStatement(previous), next && grantStatement(next)];
            for (const statement of statements) {
                if (statement !== undefined) {
                    await client.query(statement);
                }
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
        (WITHOUT_SCHEMA.includes(text(state, "objectType")) ||
            (await server.session(text(state, "database"), (client) =>
                schemaExists(client, text(state, "schema")),
            )))
    );
}

/** Privileges of a role on objects (postgresql.Grant). Its id joins role, database, schema, type, objects and columns by "_". */
export const grant: Resource = {
    properties,
    deleteBeforeReplace: true,
    label: (inputs) =>
        `grant to role "${text(inputs, "role")}" on ${text(inputs, "objectType")} ` +
        `"${[text(inputs, "schema"), ...texts(inputs, "objects")].join(".") || text(inputs, "database")}"`,
    validate,
    async create(server, inputs) {
        await exchange(server, inputs, inputs);
        return [
            text(inputs, "role"),
            text(inputs, "database"),
            ...(WITHOUT_SCHEMA.includes(text(inputs, "objectType"))
                ? []
                : [text(inputs, "schema")]),
            text(inputs, "objectType"),
            ...texts(inputs, "objects").sort(),
            ...texts(inputs, "columns").sort(),
        ].join("_");
    },
    async read(server, id, state) {
        if (text(state, "role") === "") {
            throw new Error(
                `the provider cannot import it (id "${id}"); let the program create it`,
            );
        }
        return (await isThere(server, state)) ? readGrant(server, state) : undefined;
    },
    update: (server, olds, news) => exchange(server, olds, news),
    async delete(server, state) {
        if (await isThere(server, state)) {
            await exchange(server, state, undefined);
        }
    },
};
