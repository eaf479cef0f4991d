import { createHash } from "node:crypto";
import { Client } from "pg";
import { Props } from "../provider";
import { firstRow, isSuperuser } from "./catalog";
import { Server } from "./connection";
import { text } from "./properties";

interface RoleRow {
    readonly superuser: boolean;
    readonly inherit: boolean;
    readonly createRole: boolean;
    readonly createDatabase: boolean;
    readonly login: boolean;
    readonly replication: boolean;
    readonly bypassRowLevelSecurity: boolean;
    readonly connectionLimit: number;
    readonly validUntil: string;
    readonly settings: readonly string[] | null;
    readonly roles: string[];
}

const ROLE = `
    SELECT rolsuper AS superuser, rolinherit AS inherit, rolcreaterole AS "createRole",
           rolcreatedb AS "createDatabase", rolcanlogin AS login, rolreplication AS replication,
           rolbypassrls AS "bypassRowLevelSecurity", rolconnlimit AS "connectionLimit",
           COALESCE(rolvaliduntil::text, 'infinity') AS "validUntil",
           rolconfig AS settings,
           ARRAY(SELECT DISTINCT pg_catalog.pg_get_userbyid(roleid)::text
                 FROM pg_catalog.pg_auth_members WHERE member = pg_roles.oid ORDER BY 1) AS roles
    FROM pg_catalog.pg_roles WHERE rolname = $1`;

/** The value that ALTER ROLE ... SET keeps for a setting. */
function setting(settings: readonly string[] | null, name: string): string | undefined {
    return settings?.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

function identifiers(list: string | undefined): string[] | undefined {
    return list?.split(", ").map((item) => item.replace(/^"+|"+$/g, ""));
}

/** Whether the text is already what PostgreSQL stores. */
function isVerifier(password: string): boolean {
    return /^(md5|SCRAM-SHA-256)/.test(password);
}

/**
 * The password as it goes into the state: what the program gave while the server's still belongs to it, otherwise what
 * the server keeps. Only a superuser can read that; told by `superuser: true` that the user is one, but finding that it
 * is not, the real provider fails too.
 */
async function password(
    client: Client,
    server: Server,
    name: string,
    state: Props,
    login: boolean,
): Promise<string | undefined> {
    const given = text(state, "password");
    const { superuser, username } = server.config;
    // Nothing is read where the program gives none; that covers a write-only one.
    if (given === "" || !login || !superuser) {
        return given || undefined;
    }
    if (!(await isSuperuser(client, username))) {
        throw new Error(
            `could not read role password from Postgres as connected user ${username} is not a SUPERUSER. ` +
                "You can set `superuser = false` in the provider configuration " +
                "so it will not try to read the password from Postgres",
        );
    }
    const row = await firstRow<{ stored: string | null }>(
        client,
        "SELECT passwd AS stored FROM pg_catalog.pg_shadow WHERE usename = $1",
        [name],
    );
    const stored = row?.stored ?? "";
    const md5 = `md5${createHash("md5")
        .update(given + name)
        .digest("hex")}`;
    // A SCRAM verifier is taken for the given password, as in the real provider.
    const same =
        given !== "" && !isVerifier(given) && (stored === md5 || stored.startsWith("SCRAM-"));
    return same ? given : stored;
}

/** A role as the server has it now; undefined when there is none. */
export async function readRole(
    server: Server,
    id: string,
    state: Props,
): Promise<Props | undefined> {
    const name = text(state, "name") || id;
    return server.session("", async (client) => {
        const found = await firstRow<RoleRow>(client, ROLE, [name]);
        if (found === undefined) {
            return undefined;
        }
        const { settings, ...attributes } = found;
        return {
            ...attributes,
            id: name,
            name,
            encryptedPassword: true,
            password: await password(client, server, name, state, found.login),
            searchPaths: identifiers(setting(settings, "search_path")) ?? [],
            statementTimeout: Number.parseInt(setting(settings, "statement_timeout") ?? "0", 10),
            idleInTransactionSessionTimeout: Number.parseInt(
                setting(settings, "idle_in_transaction_session_timeout") ?? "0",
                10,
            ),
            assumeRole: setting(settings, "role") ?? "",
        };
    });
}
