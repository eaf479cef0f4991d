import { escapeIdentifier } from "pg";
import type { Props } from "../provider";
import { databaseExists, databaseOwner, firstRow, schemaExists } from "./catalog";
import type { Server } from "./connection";
import { inContext } from "./failures";
import type { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { type Properties, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true },
    database: { kind: "text", computed: true, replaces: true },
    ifNotExists: { kind: "flag", initial: true },
};

async function create(server: Server, inputs: Props): Promise<string> {
    const name = text(inputs, "name");
    const database = text(inputs, "database") || server.config.database;
    await server.transaction(database, async (client) => {
        const owner = await databaseOwner(client);
        await asMemberOf(client, owner === "" ? [] : [owner], async () => {
            // Whatever ifNotExists says: the real provider asks for that only where there is none.
            if (!(await schemaExists(client, name))) {
                await inContext(`error creating schema ${name}`, () =>
                    client.query(`CREATE SCHEMA ${escapeIdentifier(name)}`),
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
    const [before, name] = [text(olds, "name"), text(news, "name")];
    if (before !== name) {
        await server.transaction(text(olds, "database"), (client) =>
            inContext("error updating schema NAME", () =>
                client.query(
                    `ALTER SCHEMA ${escapeIdentifier(before)} RENAME TO ${escapeIdentifier(name)}`,
                ),
            ),
        );
    }
}

async function remove(server: Server, state: Props): Promise<void> {
    const name = text(state, "name");
    await server.transaction(text(state, "database"), async (client) => {
        if (await schemaExists(client, name)) {
            await asMemberOf(client, [text(state, "owner")], () =>
                inContext("error deleting schema", () =>
                    client.query(`DROP SCHEMA ${escapeIdentifier(name)} RESTRICT`),
                ),
            );
        }
    });
}

/** A schema of a database (postgresql.Schema), whose owner no program names. Its id is `database.schema`. */
export const schema: Resource = {
    properties,
    create,
    read,
    update,
    delete: remove,
};
