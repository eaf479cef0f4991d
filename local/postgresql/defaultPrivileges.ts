import { Client, escapeIdentifier } from "pg";
import { Props } from "../provider";
import { databaseExists, firstRow, lockRole, roleExists, schemaExists } from "./catalog";
import { Server } from "./connection";
import { inContext } from "./failures";
import { Resource } from "./handler";
import { asMemberOf } from "./membership";
import { flag, Properties, text, texts } from "./properties";
import { privilegeProblem, PUBLIC, samePrivileges } from "./privileges";

/** The object types and their letters in pg_default_acl. */
const OBJECT_TYPES: Readonly<Record<string, string>> = {
    table: "r",
    sequence: "S",
    function: "f",
    routine: "f",
    type: "T",
    schema: "n",
};

const properties: Properties = {
    role: { kind: "text", required: true, replaces: true },
    database: { kind: "text", required: true, replaces: true },
    owner: { kind: "text", required: true, replaces: true },
    schema: { kind: "text", replaces: true },
    objectType: {
        kind: "text",
        required: true,
        replaces: true,
        oneOf: Object.keys(OBJECT_TYPES),
    },
    privileges: { kind: "texts", required: true, unordered: true },
    withGrantOption: { kind: "flag", initial: false, replaces: true },
};

function alter(inputs: Props): string {
    const schema = text(inputs, "schema");
    return (
        `ALTER DEFAULT PRIVILEGES FOR ROLE ${escapeIdentifier(text(inputs, "owner"))}` +
        (schema === "" ? "" : ` IN SCHEMA ${escapeIdentifier(schema)}`)
    );
}

async function exchange(server: Server, inputs: Props, give: boolean): Promise<void> {
    const owner = text(inputs, "owner");
    const role = escapeIdentifier(text(inputs, "role"));
    const objects = `${text(inputs, "objectType").toUpperCase()}S`;
    const privileges = texts(inputs, "privileges");
    await server.transaction(text(inputs, "database"), async (client) => {
        await lockRole(client, owner);
        await asMemberOf(client, [owner], async () => {
            await inContext("could not revoke default privileges", () =>
                client.query(`${alter(inputs)} REVOKE ALL ON ${objects} FROM ${role}`),
            );
            if (give && privileges.length > 0) {
                const option = flag(inputs, "withGrantOption") ? " WITH GRANT OPTION" : "";
                await inContext("could not alter default privileges", () =>
                    client.query(
                        `${alter(inputs)} GRANT ${privileges.join(", ")} ON ${objects} TO ${role}${option}`,
                    ),
                );
            }
        });
    });
}

async function isThere(client: Client, state: Props): Promise<boolean> {
    const role = text(state, "role");
    const schema = text(state, "schema");
    return (
        (role === PUBLIC || (await roleExists(client, role))) &&
        (await roleExists(client, text(state, "owner"))) &&
        (schema === "" || (await schemaExists(client, schema)))
    );
}

async function inDatabase<T>(
    server: Server,
    state: Props,
    work: (client: Client) => Promise<T>,
): Promise<T | undefined> {
    const database = text(state, "database");
    const there = await server.session("", (client) => databaseExists(client, database));
    return there
        ? server.session(database, async (client) =>
              (await isThere(client, state)) ? work(client) : undefined,
          )
        : undefined;
}

async function granted(client: Client, state: Props): Promise<string[]> {
    const row = await firstRow<{ granted: string[] }>(
        client,
        `SELECT ARRAY(
             SELECT DISTINCT a.privilege_type
             FROM pg_catalog.pg_default_acl d
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
             CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
             WHERE d.defaclobjtype::text = $1 AND COALESCE(n.nspname, '') = $2
               AND pg_catalog.pg_get_userbyid(d.defaclrole) = $3
               AND a.grantee = COALESCE((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $4), 0)
         ) AS granted`,
        [
            OBJECT_TYPES[text(state, "objectType")] ?? "",
            text(state, "schema"),
            text(state, "owner"),
            text(state, "role"),
        ],
    );
    return row?.granted ?? [];
}

/** What a role gets on the objects another role will create (postgresql.DefaultPrivileges). Id: role_database_schema_owner_type. */
export const defaultPrivileges: Resource = {
    properties,
    validate(inputs) {
        const type = text(inputs, "objectType");
        const failures = [];
        if (type === "schema" && text(inputs, "schema") !== "") {
            failures.push({
                property: "schema",
                reason: 'The input "schema" must be left out for object type schema.',
            });
        }
        if (flag(inputs, "withGrantOption") && text(inputs, "role") === PUBLIC) {
            failures.push({
                property: "withGrantOption",
                reason: 'The input "withGrantOption" cannot be true for role public.',
            });
        }
        const wrong = privilegeProblem(type, texts(inputs, "privileges"));
        if (wrong !== undefined) {
            failures.push({ property: "privileges", reason: wrong });
        }
        return failures;
    },
    async create(server, inputs) {
        await exchange(server, inputs, true);
        return [
            text(inputs, "role"),
            text(inputs, "database"),
            text(inputs, "schema") || "noschema",
            text(inputs, "owner"),
            text(inputs, "objectType"),
        ].join("_");
    },
    async read(server, _id, state) {
        const wanted = texts(state, "privileges");
        const have = await inDatabase(server, state, (client) => granted(client, state));
        // No privileges at all count as gone, unless that is what is wanted.
        if (have === undefined || (have.length === 0 && wanted.length > 0)) {
            return undefined;
        }
        const same = samePrivileges(text(state, "objectType"), wanted, have);
        return { privileges: [...(same ? wanted : have)].sort() };
    },
    update: (server, _olds, news) => exchange(server, news, true),
    async delete(server, state) {
        await exchange(server, state, false);
    },
};
