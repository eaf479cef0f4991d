import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import type { Props } from "../provider";
import { lockRole } from "./catalog";
import type { Server } from "./connection";
import { inContext } from "./failures";
import type { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { differences, flag, number, type Properties, text, texts } from "./properties";
import { readRole } from "./roleState";

const properties: Properties = {
    name: { kind: "text", required: true },
    password: { kind: "text", secret: true },
    encrypted: { kind: "text" },
    encryptedPassword: { kind: "flag", initial: true },
    validUntil: { kind: "text", initial: "infinity" },
    connectionLimit: { kind: "number", initial: -1, least: -1 },
    superuser: { kind: "flag", initial: false },
    createDatabase: { kind: "flag", initial: false },
    createRole: { kind: "flag", initial: false },
    inherit: { kind: "flag", initial: true },
    login: { kind: "flag", initial: false },
    replication: { kind: "flag", initial: false },
    bypassRowLevelSecurity: { kind: "flag", initial: false },
    // Without a default and not computed, as in the real provider: a membership that somebody grants counts as a
    // difference after a refresh.
    roles: { kind: "texts", unordered: true },
    searchPaths: { kind: "texts" },
    statementTimeout: { kind: "number", least: 0 },
    idleInTransactionSessionTimeout: { kind: "number", least: 0 },
    assumeRole: { kind: "text" },
};

/** The attributes that CREATE ROLE and ALTER ROLE switch by a word, which NO in front turns off. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
    superuser: "SUPERUSER",
    createDatabase: "CREATEDB",
    createRole: "CREATEROLE",
    inherit: "INHERIT",
    login: "LOGIN",
    bypassRowLevelSecurity: "BYPASSRLS",
    replication: "REPLICATION",
};

function attribute(inputs: Props, key: string): string {
    return (flag(inputs, key) ? "" : "NO") + (ATTRIBUTES[key] ?? "");
}

/** As the real provider quotes it: with backslashes doubled, so that a password that has one becomes another password. */
function passwordLiteral(password: string): string {
    return `'${password.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

function validUntilClause(inputs: Props): string {
    return `VALID UNTIL ${escapeLiteral(text(inputs, "validUntil") || "infinity")}`;
}

/** The statements for what ALTER ROLE ... SET keeps and for the memberships, in the real provider's order. */
async function settle(client: Client, inputs: Props, changed: readonly string[]): Promise<void> {
    const role = escapeIdentifier(text(inputs, "name"));
    for (const granted of texts(inputs, "roles")) {
        await inContext(`could not grant role ${granted} to ${text(inputs, "name")}`, () =>
            client.query(`GRANT ${escapeIdentifier(granted)} TO ${role}`),
        );
    }
    const paths = texts(inputs, "searchPaths").map(escapeIdentifier);
    await client.query(`ALTER ROLE ${role} SET search_path TO ${paths.join(", ") || "DEFAULT"}`);
    const settings = [
        ["statementTimeout", "statement_timeout"],
        ["idleInTransactionSessionTimeout", "idle_in_transaction_session_timeout"],
    ] as const;
    for (const [key, setting] of settings) {
        if (changed.includes(key)) {
            const milliseconds = number(inputs, key);
            await client.query(
                `ALTER ROLE ${role} ${milliseconds === 0 ? `RESET ${setting}` : `SET ${setting} TO ${milliseconds}`}`,
            );
        }
    }
    if (changed.includes("assumeRole")) {
        const assumed = text(inputs, "assumeRole");
        await client.query(
            `ALTER ROLE ${role} ${assumed === "" ? "RESET ROLE" : `SET ROLE TO ${escapeIdentifier(assumed)}`}`,
        );
    }
}

async function create(server: Server, inputs: Props): Promise<string> {
    const name = text(inputs, "name");
    await server.transaction("", async (client) => {
        // It goes to the server as it is, which may log it.
        const password = text(inputs, "password");
        const options = [
            password === "" ? "" : `ENCRYPTED PASSWORD ${passwordLiteral(password)}`,
            validUntilClause(inputs),
            `CONNECTION LIMIT ${number(inputs, "connectionLimit")}`,
            ...Object.keys(ATTRIBUTES).map((key) => attribute(inputs, key)),
        ];
        await inContext(`error creating role ${name}`, () =>
            client.query(`CREATE ROLE ${escapeIdentifier(name)} WITH ${options.join(" ")}`),
        );
        await settle(
            client,
            inputs,
            Object.keys(properties).filter((key) => Boolean(inputs[key])),
        );
    });
    return name;
}

/**
 * Changes a role in place. As the real provider does, every update first revokes all memberships of the role, whoever
 * granted them, and grants those in `roles` again (cyrilgdn/terraform-provider-postgresql#285).
 */
async function update(server: Server, olds: Props, news: Props): Promise<void> {
    const changed = differences(properties, olds, news);
    await server.transaction("", async (client) => {
        const oldName = text(olds, "name");
        const name = text(news, "name");
        await lockRole(client, oldName);
        if (changed.includes("name")) {
            await client.query(
                `ALTER ROLE ${escapeIdentifier(oldName)} RENAME TO ${escapeIdentifier(name)}`,
            );
        }
        const alter = `ALTER ROLE ${escapeIdentifier(name)}`;
        // A password that the program gives no more stays: the real provider has nothing to set then.
        const password = text(news, "password");
        if (password !== "" && (changed.includes("name") || changed.includes("password"))) {
            await client.query(`${alter} PASSWORD ${passwordLiteral(password)}`);
        }
        for (const key of Object.keys(ATTRIBUTES).filter((one) => changed.includes(one))) {
            await client.query(`${alter} ${attribute(news, key)}`);
        }
        if (changed.includes("connectionLimit")) {
            await client.query(`${alter} CONNECTION LIMIT ${number(news, "connectionLimit")}`);
        }
        if (changed.includes("validUntil")) {
            await client.query(`${alter} ${validUntilClause(news)}`);
        }
        const { rows } = await client.query<{ granted: string }>(
            `SELECT DISTINCT pg_catalog.pg_get_userbyid(m.roleid) AS granted
             FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member
             WHERE r.rolname = $1`,
            [name],
        );
        for (const { granted } of rows) {
            await inContext(`could not revoke role ${granted} from ${name}`, () =>
                client.query(`REVOKE ${escapeIdentifier(granted)} FROM ${escapeIdentifier(name)}`),
            );
        }
        await settle(client, news, changed);
    });
}

async function remove(server: Server, state: Props): Promise<void> {
    const name = text(state, "name");
    const role = escapeIdentifier(name);
    await server.transaction("", async (client) => {
        await lockRole(client, name);
        await asMemberOf(client, [name], async () => {
            await client.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
            await client.query(`DROP OWNED BY ${role}`);
        });
        await inContext(`could not delete role ${name}`, () => client.query(`DROP ROLE ${role}`));
    });
}

/** A role of the server (postgresql.Role). Its id is its name. */
export const role: Resource = {
    properties,
    validate(inputs) {
        const failures = [];
        if (texts(inputs, "searchPaths").some((path) => path.includes(", "))) {
            failures.push({
                property: "searchPaths",
                reason: 'The input "searchPaths" has an item with ", " in it, which the provider cannot keep: give one schema per item.',
            });
        }
        return failures;
    },
    create,
    read: readRole,
    update,
    delete: remove,
};
