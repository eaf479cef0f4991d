import type { SqlBatch } from "../database/runBatch";
import { renderSql, type SqlFile, SqlFragment, type Variables } from "../database/sqlTemplate";
import { auditGrants } from "./grants";
import { roles } from "./rolesAndSchemas";
import type { TableName } from "./tableDefinition";

/** A person's login at the audit server, as the config lists it. */
export interface DatabaseUser {
    readonly login: string;
    /** What its people may do. */
    readonly role: "auditor" | "operator";
    /** `iam`: the program makes the login, and IAM authenticates it. `existing`: the login is somebody else's. */
    readonly authentication: "iam" | "existing";
}

/** What the script with them is about. */
const USERS = "databaseUsers";

function variables(users: readonly DatabaseUser[]): Variables {
    const rows = users.map(({ login, role, authentication }) => ({
        login,
        member_of: roles[role],
        is_made: authentication === "iam",
    }));
    return { users: SqlFragment.literals([JSON.stringify(rows)]) };
}

/**
 * Makes the listed logins members of their roles, and takes from the others what an earlier list gave them.
 * @param audited The audited tables, and the marker table.
 */
export function databaseUserBatches(
    audited: readonly TableName[],
    users: readonly DatabaseUser[],
): SqlBatch[] {
    const rights = { files: [auditGrants(audited)], always: true };
    return [
        rights,
        { about: USERS, files: [renderSql("sql/audit/database_users.sql", variables(users))] },
        rights,
    ];
}

/** A query for what is not so, in the words of a script's look. */
export function databaseUsersLook(users: readonly DatabaseUser[]): SqlFile {
    return renderSql("sql/audit/database_users_look.sql", { ...variables(users), about: USERS });
}
