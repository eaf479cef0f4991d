import { Client, escapeIdentifier, escapeLiteral } from "pg";
import { Props } from "../provider";
import { databaseExists, firstRow } from "./catalog";
import { Server } from "./connection";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { differences, flag, number, Properties, text } from "./properties";

const properties: Properties = {
    name: { kind: "text", required: true },
    owner: { kind: "text", computed: true },
    template: { kind: "text", computed: true, replaces: true },
    encoding: { kind: "text", computed: true, replaces: true },
    lcCollate: { kind: "text", computed: true, replaces: true },
    lcCtype: { kind: "text", computed: true, replaces: true },
    tablespaceName: { kind: "text", computed: true },
    connectionLimit: { kind: "number", initial: -1, least: -1 },
    allowConnections: { kind: "flag", initial: true },
    isTemplate: { kind: "flag", computed: true },
    alterObjectOwnership: { kind: "flag", initial: false },
};

/** The word DEFAULT in any case stands for PostgreSQL's own default. */
function value(inputs: Props, key: string, quote: (text: string) => string): string {
    const given = text(inputs, key);
    return given.toUpperCase() === "DEFAULT" ? "DEFAULT" : quote(given);
}

function definition(inputs: Props, user: string): string {
    const parts = [
        `CREATE DATABASE ${escapeIdentifier(text(inputs, "name"))}`,
        `OWNER ${escapeIdentifier(text(inputs, "owner") || user)}`,
        `TEMPLATE ${text(inputs, "template") === "" ? "template0" : value(inputs, "template", escapeIdentifier)}`,
        `ENCODING ${text(inputs, "encoding") === "" ? "'UTF8'" : value(inputs, "encoding", escapeLiteral)}`,
    ];
    for (const [key, keyword] of [
        ["lcCollate", "LC_COLLATE"],
        ["lcCtype", "LC_CTYPE"],
    ] as const) {
        if (text(inputs, key) !== "") {
            parts.push(`${keyword} ${value(inputs, key, escapeLiteral)}`);
        }
    }
    if (text(inputs, "tablespaceName") !== "") {
        parts.push(`TABLESPACE ${value(inputs, "tablespaceName", escapeIdentifier)}`);
    }
    parts.push(`ALLOW_CONNECTIONS ${flag(inputs, "allowConnections")}`);
    parts.push(`CONNECTION LIMIT ${number(inputs, "connectionLimit")}`);
    parts.push(`IS_TEMPLATE ${flag(inputs, "isTemplate")}`);
    return parts.join(" ");
}

/** Runs statements that no transaction may hold, as a member of the owner; the membership goes also when they fail. */
async function asOwner(
    client: Client,
    owner: string,
    statements: readonly string[],
): Promise<void> {
    const failure = await asMemberOf(client, owner === "" ? [] : [owner], async () => {
        try {
            for (const statement of statements) {
                await client.query(statement);
            }
            return undefined;
        } catch (error) {
            return error instanceof Error ? error : new Error(String(error));
        }
    });
    if (failure !== undefined) {
        throw failure;
    }
}

async function read(server: Server, id: string, state: Props): Promise<Props | undefined> {
    const name = text(state, "name") || id;
    return server.session("", (client) =>
        firstRow<Props>(
            client,
            `SELECT d.datname AS name, pg_catalog.pg_get_userbyid(d.datdba) AS owner,
                    pg_catalog.pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS "lcCollate",
                    d.datctype AS "lcCtype", t.spcname AS "tablespaceName", d.datconnlimit AS "connectionLimit",
                    d.datallowconn AS "allowConnections", d.datistemplate AS "isTemplate", $2::text AS template
             FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
             WHERE d.datname = $1`,
            [name, text(state, "template") || "template0"],
        ),
    );
}

async function update(server: Server, olds: Props, news: Props): Promise<void> {
    const changed = differences(properties, olds, news);
    const name = escapeIdentifier(text(news, "name"));
    const owner = text(news, "owner");
    const statements: string[] = [];
    if (changed.includes("name")) {
        statements.push(`ALTER DATABASE ${escapeIdentifier(text(olds, "name"))} RENAME TO ${name}`);
    }
    if (changed.includes("owner")) {
        statements.push(`ALTER DATABASE ${name} OWNER TO ${escapeIdentifier(owner)}`);
    }
    if (changed.includes("tablespaceName")) {
        statements.push(
            `ALTER DATABASE ${name} SET TABLESPACE ${escapeIdentifier(text(news, "tablespaceName"))}`,
        );
    }
    if (changed.includes("connectionLimit")) {
        statements.push(
            `ALTER DATABASE ${name} CONNECTION LIMIT ${number(news, "connectionLimit")}`,
        );
    }
    if (changed.includes("allowConnections")) {
        statements.push(
            `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${flag(news, "allowConnections")}`,
        );
    }
    if (changed.includes("isTemplate")) {
        statements.push(`ALTER DATABASE ${name} IS_TEMPLATE ${flag(news, "isTemplate")}`);
    }
    await server.change("", (client) => asOwner(client, owner, statements));
    const previous = text(olds, "owner");
    if (changed.includes("owner") && flag(news, "alterObjectOwnership") && previous !== "") {
        await server.transaction(text(news, "name"), (client) =>
            asMemberOf(client, [previous, owner], () =>
                client.query(
                    `REASSIGN OWNED BY ${escapeIdentifier(previous)} TO ${escapeIdentifier(owner)}`,
                ),
            ),
        );
    }
}

/** A database of the server (postgresql.Database). Its id is its name. */
export const database: Resource = {
    properties,
    label: (inputs) => `database "${text(inputs, "name")}"`,
    async create(server, inputs) {
        await server.change("", (client) =>
            asOwner(client, text(inputs, "owner"), [definition(inputs, server.config.username)]),
        );
        return text(inputs, "name");
    },
    read,
    update,
    async delete(server, state) {
        const name = text(state, "name");
        const identifier = escapeIdentifier(name);
        const untemplate = flag(state, "isTemplate")
            ? [`ALTER DATABASE ${identifier} IS_TEMPLATE false`]
            : [];
        await server.change("", async (client) => {
            if (await databaseExists(client, name)) {
                await asOwner(client, text(state, "owner"), [
                    ...untemplate,
                    `DROP DATABASE ${identifier}`,
                ]);
            }
        });
    },
};
