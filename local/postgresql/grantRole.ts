import { Client, escapeIdentifier } from "pg";
import { Props } from "../provider";
import { firstRow, lockRole, roleExists } from "./catalog";
import { Resource } from "./handler";
import { flag, Properties, text } from "./properties";

const properties: Properties = {
    role: { kind: "text", required: true, replaces: true },
    grantRole: { kind: "text", required: true, replaces: true },
    withAdminOption: { kind: "flag", initial: false, replaces: true },
};

async function revoke(client: Client, inputs: Props): Promise<void> {
    const granted = text(inputs, "grantRole");
    const member = text(inputs, "role");
    await lockRole(client, granted);
    await lockRole(client, member);
    await client.query(`REVOKE ${escapeIdentifier(granted)} FROM ${escapeIdentifier(member)}`);
}

/**
 * The membership of one role in another (postgresql.GrantRole). Its id is `role_grantRole_withAdminOption`. From
 * PostgreSQL 16 on a member can hold a role from several grantors, of which CREATE ROLE's own grant to the creator is
 * one: the row that is read is the one this provider's user granted,
 * itself or through a role whose ADMIN OPTION it has.
 */
export const grantRole: Resource = {
    properties,
    label: (inputs) =>
        `membership of role "${text(inputs, "role")}" in role "${text(inputs, "grantRole")}"`,
    async create(server, inputs) {
        const granted = text(inputs, "grantRole");
        const member = text(inputs, "role");
        const admin = flag(inputs, "withAdminOption");
        await server.transaction("", async (client) => {
            await revoke(client, inputs);
            await client.query(
                `GRANT ${escapeIdentifier(granted)} TO ${escapeIdentifier(member)}` +
                    (admin ? " WITH ADMIN OPTION" : ""),
            );
        });
        return [member, granted, String(admin)].join("_");
    },
    async read(server, id, state) {
        if (text(state, "role") === "") {
            throw new Error(
                `the provider cannot import it (id "${id}"); let the program create it`,
            );
        }
        const row = await server.session("", (client) =>
            firstRow<{ admin: boolean }>(
                client,
                `SELECT m.admin_option AS admin FROM pg_catalog.pg_auth_members m
                 WHERE pg_catalog.pg_get_userbyid(m.member) = $1
                   AND pg_catalog.pg_get_userbyid(m.roleid) = $2
                   AND (pg_catalog.current_setting('server_version_num')::integer < 160000
                        OR pg_catalog.pg_has_role(m.grantor, 'USAGE'))
                 ORDER BY pg_catalog.pg_get_userbyid(m.grantor) = current_user DESC`,
                [text(state, "role"), text(state, "grantRole")],
            ),
        );
        return (
            row && {
                role: state.role,
                grantRole: state.grantRole,
                withAdminOption: row.admin,
            }
        );
    },
    async delete(server, state) {
        await server.transaction("", async (client) => {
            const both = [text(state, "role"), text(state, "grantRole")];
            // A dropped role takes its memberships with it.
            if (
                (await roleExists(client, both[0] ?? "")) &&
                (await roleExists(client, both[1] ?? ""))
            ) {
                await revoke(client, state);
            }
        });
    },
};
