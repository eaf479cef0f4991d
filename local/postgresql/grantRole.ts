import { Client, escapeIdentifier } from "pg";
import { Props } from "../provider";
import { firstRow } from "./catalog";
import { inContext } from "./failures";
import { Resource } from "./handler";
import { flag, Properties, text } from "./properties";

const properties: Properties = {
    role: { kind: "text", required: true, replaces: true },
    grantRole: { kind: "text", required: true, replaces: true },
    withAdminOption: { kind: "flag", initial: false, replaces: true },
};

function revoke(client: Client, inputs: Props): Promise<unknown> {
    const granted = escapeIdentifier(text(inputs, "grantRole"));
    const member = escapeIdentifier(text(inputs, "role"));
    return inContext("could not execute revoke query", () =>
        client.query(`REVOKE ${granted} FROM ${member}`),
    );
}

function idOf(state: Props): string {
    const admin = String(flag(state, "withAdminOption"));
    return [text(state, "role"), text(state, "grantRole"), admin].join("_");
}

/**
 * The membership of one role in another (postgresql.GrantRole). Its id is `role_grantRole_withAdminOption`. From
 * PostgreSQL 16 on a member can hold a role from several grantors, of which CREATE ROLE's own grant to the creator, with
 * ADMIN OPTION, is one. The real provider reads the first row that the server comes upon, whoever granted it: so the
 * membership of a role's creator differs from its program for ever, and its replacement ends with REVOKE.
 */
export const grantRole: Resource = {
    properties,
    async create(server, inputs) {
        const granted = escapeIdentifier(text(inputs, "grantRole"));
        const member = escapeIdentifier(text(inputs, "role"));
        const option = flag(inputs, "withAdminOption") ? " WITH ADMIN OPTION" : "";
        await server.transaction("", async (client) => {
            await revoke(client, inputs);
            await inContext("could not execute grant query", () =>
                client.query(`GRANT ${granted} TO ${member}${option}`),
            );
        });
        return idOf(inputs);
    },
    async read(server, _id, state) {
        const row = await server.session("", (client) =>
            firstRow<{ withAdminOption: boolean }>(
                client,
                `SELECT admin_option AS "withAdminOption" FROM pg_catalog.pg_auth_members
                 WHERE pg_catalog.pg_get_userbyid(member) = $1
                   AND pg_catalog.pg_get_userbyid(roleid) = $2`,
                [text(state, "role"), text(state, "grantRole")],
            ),
        );
        return row && { ...row, id: idOf({ ...state, ...row }) };
    },
    async delete(server, state) {
        await server.transaction("", (client) => revoke(client, state));
    },
};
