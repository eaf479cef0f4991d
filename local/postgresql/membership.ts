import { type Client, escapeIdentifier } from "pg";
import { firstRow, isSuperuser, roleExists } from "./catalog";
import { inContext } from "./failures";

/** Whether `member` can act as `role` by a membership of its own (with SET, where the server knows that option: 16+). */
async function isMember(client: Client, role: string, member: string): Promise<boolean> {
    const row = await firstRow<{ member: boolean }>(
        client,
        `SELECT COALESCE(bool_or(COALESCE((pg_catalog.to_jsonb(m.*) ->> 'set_option')::boolean, true)), false) AS member
         FROM pg_catalog.pg_auth_members m
         WHERE pg_catalog.pg_get_userbyid(m.roleid) = $1 AND pg_catalog.pg_get_userbyid(m.member) = $2`,
        [role, member],
    );
    return row?.member ?? false;
}

async function grant(client: Client, role: string, member: string): Promise<boolean> {
    if (role === member || (await isMember(client, role, member))) {
        return false;
    }
    await inContext(`error granting role ${role} to ${member}`, () =>
        client.query(`GRANT ${escapeIdentifier(role)} TO ${escapeIdentifier(member)}`),
    );
    return true;
}

async function revoke(client: Client, role: string, member: string): Promise<boolean> {
    if (role === member || !(await isMember(client, role, member))) {
        return false;
    }
    await inContext(`error revoking role ${role} from ${member}`, () =>
        client.query(`REVOKE ${escapeIdentifier(role)} FROM ${escapeIdentifier(member)}`),
    );
    return true;
}

/**
 * Runs work as a member of roles: a user that is no superuser (as on RDS) gets the missing memberships for that time, in
 * the same transaction. A role that is itself a member of the user loses that membership meanwhile, since PostgreSQL
 * refuses circles; superuser roles are left out, since nobody but a superuser can grant them.
 */
export async function asMemberOf<T>(
    client: Client,
    roles: readonly string[],
    work: () => Promise<T>,
): Promise<T> {
    const row = await firstRow<{ name: string }>(client, "SELECT current_user AS name");
    const user = row?.name ?? "";
    if (roles.length === 0 || (await isSuperuser(client, user))) {
        return work();
    }
    const granted: string[] = [];
    const revoked: string[] = [];
    for (const role of new Set(roles)) {
        if (await isSuperuser(client, role)) {
            continue;
        }
        if (await revoke(client, user, role)) {
            revoked.push(role);
        }
        if (await grant(client, role, user)) {
            granted.push(role);
        }
    }
    const result = await work();
    for (const role of granted) {
        await revoke(client, role, user);
    }
    for (const role of revoked) {
        if (await roleExists(client, role)) {
            await grant(client, user, role);
        }
    }
    return result;
}
