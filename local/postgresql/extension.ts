import { escapeIdentifier, escapeLiteral } from "pg";
import { Props } from "../provider";
import { databaseExists, firstRow } from "./catalog";
import { Server } from "./connection";
import { Resource } from "./handler";
import { differences, flag, Properties, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true, replaces: true },
    database: { kind: "text", computed: true, replaces: true },
    schema: { kind: "text", computed: true },
    version: { kind: "text", computed: true },
    createCascade: { kind: "flag", initial: false },
    dropCascade: { kind: "flag", initial: false },
};

function place(server: Server, id: string, state: Props): { database: string; name: string } {
    if (text(state, "name") !== "") {
        return {
            database: text(state, "database") || server.config.database,
            name: text(state, "name"),
        };
    }
    const [database, name, ...rest] = id.split(".");
    if (!database || !name || rest.length > 0) {
        throw new Error(`the id "${id}" is not of the form database.extension`);
    }
    return { database, name };
}

/** An extension of a database (postgresql.Extension). Its id is `database.extension`. */
export const extension: Resource = {
    properties,
    label: (inputs) => `extension "${text(inputs, "name")}"`,
    async create(server, inputs) {
        const schema = text(inputs, "schema");
        const version = text(inputs, "version");
        const { database, name } = place(server, "", inputs);
        const statement = [
            `CREATE EXTENSION IF NOT EXISTS ${escapeIdentifier(name)}`,
            schema && `SCHEMA ${escapeIdentifier(schema)}`,
            version && `VERSION ${escapeLiteral(version)}`,
            flag(inputs, "createCascade") ? "CASCADE" : "",
        ].join(" ");
        await server.transaction(database, (client) => client.query(statement));
        return `${database}.${name}`;
    },
    async read(server, id, state) {
        const { database, name } = place(server, id, state);
        if (!(await server.session("", (client) => databaseExists(client, database)))) {
            return undefined;
        }
        const row = await server.session(database, (client) =>
            firstRow<Props>(
                client,
                `SELECT e.extname AS name, n.nspname AS schema, e.extversion AS version
                 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                 WHERE e.extname = $1`,
                [name],
            ),
        );
        return row && { ...row, database };
    },
    async update(server, olds, news) {
        const changed = differences(properties, olds, news);
        const alter = `ALTER EXTENSION ${escapeIdentifier(text(news, "name"))}`;
        await server.transaction(place(server, "", olds).database, async (client) => {
            if (changed.includes("schema")) {
                await client.query(`${alter} SET SCHEMA ${escapeIdentifier(text(news, "schema"))}`);
            }
            if (changed.includes("version")) {
                await client.query(`${alter} UPDATE TO ${escapeLiteral(text(news, "version"))}`);
            }
        });
    },
    async delete(server, state) {
        const { database, name } = place(server, "", state);
        if (await server.session("", (client) => databaseExists(client, database))) {
            await server.transaction(database, (client) =>
                client.query(
                    `DROP EXTENSION IF EXISTS ${escapeIdentifier(name)} ${flag(state, "dropCascade") ? "CASCADE" : "RESTRICT"}`,
                ),
            );
        }
    },
};
