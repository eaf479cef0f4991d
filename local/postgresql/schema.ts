import { Client, escapeIdentifier } from "pg";
import { Props } from "../provider";
import { databaseExists, databaseOwner, firstRow, roleExists, schemaExists } from "./catalog";
import { Server } from "./connection";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { differences, flag, Properties, records, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true },
    database: { kind: "text", computed: true, replaces: true },
    owner: { kind: "text", computed: true },
    ifNotExists: { kind: "flag", initial: true },
    dropCascade: { kind: "flag", initial: false },
    policies: {
        kind: "records",
        computed: true,
        unordered: true,
        item: {
            role: { kind: "text", initial: "" },
            create: { kind: "flag", initial: false },
            createWithGrant: { kind: "flag", initial: false },
            usage: { kind: "flag", initial: false },
            usageWithGrant: { kind: "flag", initial: false },
        },
    },
};

type Right = "CREATE" | "USAGE";
/** A right and whether it may be passed on. */
type Rights = Map<Right, boolean>;

/** The rights that policies give to each role, "" being everybody; policies for one role add up. */
function rightsByRole(policies: readonly Props[]): Map<string, Rights> {
    const byRole = new Map<string, Rights>();
    for (const policy of policies) {
        const rights = byRole.get(text(policy, "role")) ?? new Map<Right, boolean>();
        for (const [key, right] of [
            ["create", "CREATE"],
            ["usage", "USAGE"],
        ] as const) {
            if (flag(policy, key) || flag(policy, `${key}WithGrant`)) {
                const passedOn = rights.get(right) === true || flag(policy, `${key}WithGrant`);
                rights.set(right, passedOn);
            }
        }
        byRole.set(text(policy, "role"), rights);
    }
    return byRole;
}

async function applyPolicies(
    client: Client,
    schema: string,
    olds: readonly Props[],
    news: readonly Props[],
): Promise<void> {
    const before = rightsByRole(olds);
    const after = rightsByRole(news);
    const grantee = (role: string) => (role === "" ? "PUBLIC" : escapeIdentifier(role));
    for (const [role, rights] of before) {
        if (role === "" || (await roleExists(client, role))) {
            for (const right of rights.keys()) {
                await client.query(
                    `REVOKE ${right} ON SCHEMA ${escapeIdentifier(schema)} FROM ${grantee(role)}`,
                );
            }
        }
    }
    for (const [role, rights] of after) {
        for (const [right, passedOn] of rights) {
            await client.query(
                `GRANT ${right} ON SCHEMA ${escapeIdentifier(schema)} TO ${grantee(role)}` +
                    (passedOn ? " WITH GRANT OPTION" : ""),
            );
        }
    }
}

async function create(server: Server, inputs: Props): Promise<string> {
    const name = text(inputs, "name");
    const owner = text(inputs, "owner");
    const database = text(inputs, "database") || server.config.database;
    await server.transaction(database, async (client) => {
        const exists = await schemaExists(client, name);
        if (exists && !flag(inputs, "ifNotExists")) {
            throw new Error(
                "it exists already; set ifNotExists to true to take it over, or remove it",
            );
        }
        const owners = [await databaseOwner(client), owner].filter((one) => one !== "");
        await asMemberOf(client, owners, async () => {
            const authorization = owner === "" ? "" : escapeIdentifier(owner);
            if (!exists) {
                await client.query(
                    `CREATE SCHEMA ${escapeIdentifier(name)}` +
                        (authorization && ` AUTHORIZATION ${authorization}`),
                );
            } else if (authorization !== "") {
                await client.query(
                    `ALTER SCHEMA ${escapeIdentifier(name)} OWNER TO ${authorization}`,
                );
            }
            await applyPolicies(client, name, [], records(inputs, "policies"));
        });
    });
    return `${database}.${name}`;
}

/** The database and the schema of a state, or of an id `database.schema` when the state is still to be imported. */
function place(server: Server, id: string, state: Props): { database: string; name: string } {
    if (text(state, "name") !== "") {
        return {
            database: text(state, "database") || server.config.database,
            name: text(state, "name"),
        };
    }
    const [database, name, ...rest] = id.split(".");
    if (!database || !name || rest.length > 0) {
        throw new Error(`the id "${id}" is not of the form database.schema`);
    }
    return { database, name };
}

async function read(server: Server, id: string, state: Props): Promise<Props | undefined> {
    const { database, name } = place(server, id, state);
    const there = await server.session("", (client) => databaseExists(client, database));
    if (!there) {
        return undefined;
    }
    const row = await server.session(database, (client) =>
        firstRow<{ owner: string }>(
            client,
            "SELECT pg_catalog.pg_get_userbyid(nspowner) AS owner FROM pg_catalog.pg_namespace WHERE nspname = $1",
            [name],
        ),
    );
    return row && { name, database, owner: row.owner };
}

async function update(server: Server, olds: Props, news: Props): Promise<void> {
    const changed = differences(properties, olds, news);
    const database = text(olds, "database");
    const name = text(news, "name");
    await server.transaction(database, async (client) => {
        if (changed.includes("name")) {
            await client.query(
                `ALTER SCHEMA ${escapeIdentifier(text(olds, "name"))} RENAME TO ${escapeIdentifier(name)}`,
            );
        }
        if (changed.includes("owner")) {
            await client.query(
                `ALTER SCHEMA ${escapeIdentifier(name)} OWNER TO ${escapeIdentifier(text(news, "owner"))}`,
            );
        }
        if (changed.includes("policies")) {
            const owner = text(news, "owner") || text(olds, "owner");
            await asMemberOf(client, owner === "" ? [] : [owner], () =>
                applyPolicies(client, name, records(olds, "policies"), records(news, "policies")),
            );
        }
    });
}

async function remove(server: Server, state: Props): Promise<void> {
    const name = text(state, "name");
    const database = text(state, "database");
    if (!(await server.session("", (client) => databaseExists(client, database)))) {
        return;
    }
    await server.transaction(database, async (client) => {
        if (await schemaExists(client, name)) {
            await asMemberOf(client, [text(state, "owner")], () =>
                client.query(
                    `DROP SCHEMA ${escapeIdentifier(name)} ${flag(state, "dropCascade") ? "CASCADE" : "RESTRICT"}`,
                ),
            );
        }
    });
}

/** A schema of a database (postgresql.Schema). Its id is `database.schema`. */
export const schema: Resource = {
    properties,
    label: (inputs) => `schema "${text(inputs, "name")}"`,
    create,
    read,
    update,
    delete: remove,
};
