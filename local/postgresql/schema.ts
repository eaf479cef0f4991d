import { escapeIdentifier } from "pg";
import { Props } from "../provider";
import { databaseExists, databaseOwner, firstRow, schemaExists } from "./catalog";
import { Server } from "./connection";
import { inContext } from "./failures";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { differences, flag, Properties, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true },
    database: { kind: "text", computed: true, replaces: true },
    owner: { kind: "text", computed: true },
    ifNotExists: { kind: "flag", initial: true },
    dropCascade: { kind: "flag", initial: false },
};

async function create(server: Server, inputs: Props): Promise<string> {
    const name = text(inputs, "name");
    const owner = text(inputs, "owner");
    const database = text(inputs, "database") || server.config.database;
    await server.transaction(database, async (client) => {
        const owners = [await databaseOwner(client), owner].filter((one) => one !== "");
        await asMemberOf(client, owners, async () => {
            const authorization = owner === "" ? "" : escapeIdentifier(owner);
            if (!(await schemaExists(client, name))) {
                await inContext(`error creating schema ${name}`, () =>
                    client.query(
                        `CREATE SCHEMA ${escapeIdentifier(name)}` +
                            (authorization && ` AUTHORIZATION ${authorization}`),
                    ),
                );
            } else if (authorization !== "") {
                // Whatever ifNotExists says: the real provider asks for that only where there is none.
                await inContext("error updating schema OWNER", () =>
                    client.query(
                        `ALTER SCHEMA ${escapeIdentifier(name)} OWNER TO ${authorization}`,
                    ),
                );
            }
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
        throw new Error(`schema ID ${id} has not the expected format 'database.schema'`);
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
    return row && { id: `${database}.${name}`, name, database, owner: row.owner, policies: [] };
}

async function update(server: Server, olds: Props, news: Props): Promise<void> {
    const changed = differences(properties, olds, news);
    const database = text(olds, "database");
    const name = text(news, "name");
    await server.transaction(database, async (client) => {
        if (changed.includes("name")) {
            await inContext("error updating schema NAME", () =>
                client.query(
                    `ALTER SCHEMA ${escapeIdentifier(text(olds, "name"))} RENAME TO ${escapeIdentifier(name)}`,
                ),
            );
        }
        if (changed.includes("owner")) {
            await inContext("error updating schema OWNER", () =>
                client.query(
                    `ALTER SCHEMA ${escapeIdentifier(name)} OWNER TO ${escapeIdentifier(text(news, "owner"))}`,
                ),
            );
        }
    });
}

async function remove(server: Server, state: Props): Promise<void> {
    const name = text(state, "name");
    await server.transaction(text(state, "database"), async (client) => {
        if (await schemaExists(client, name)) {
            const mode = flag(state, "dropCascade") ? "CASCADE" : "RESTRICT";
            await asMemberOf(client, [text(state, "owner")], () =>
                inContext("error deleting schema", () =>
                    client.query(`DROP SCHEMA ${escapeIdentifier(name)} ${mode}`),
                ),
            );
        }
    });
}

/** A schema of a database (postgresql.Schema), without the deprecated policies. Its id is `database.schema`. */
export const schema: Resource = {
    properties,
    create,
    read,
    update,
    delete: remove,
};
