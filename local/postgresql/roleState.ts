import type { Props } from "../provider";
import { firstRow } from "./catalog";
import type { Server } from "./connection";
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

/** A time-out in milliseconds, which the real provider takes for a number whatever it is: it cannot read one with a unit. */
function timeout(settings: readonly string[] | null, name: string): number {
    const value = setting(settings, name) ?? "0";
    if (!/^[+-]?\d+$/.test(value)) {
        // The same words for both time-outs.
        throw new Error(
            `error reading statement_timeout: strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`,
        );
    }
    return Number(value);
}

function identifiers(list: string | undefined): string[] | undefined {
    return list?.split(", ").map((item) => item.replace(/^"+|"+$/g, ""));
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
            // What the program gave: only a superuser can read back what the server keeps.
            password: text(state, "password") || undefined,
            searchPaths: identifiers(setting(settings, "search_path")) ?? [],
            statementTimeout: timeout(settings, "statement_timeout"),
            idleInTransactionSessionTimeout: timeout(
                settings,
                "idle_in_transaction_session_timeout",
            ),
            assumeRole: setting(settings, "role") ?? "",
        };
    });
}
