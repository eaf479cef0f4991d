import type { DatabaseUser } from "../trail/databaseUsers";
import { hasControlCharacter, hasDollarQuote } from "../trail/tableLimits";
import { FieldError, isObject, objectIn } from "./jsonObject";
import type { KeyParser } from "./keyParsers";

const ROLES: readonly DatabaseUser["role"][] = ["auditor", "operator"];
const AUTHENTICATIONS: readonly DatabaseUser["authentication"][] = ["iam", "existing"];
const FIELDS = ["role", "authentication"];

/** PostgreSQL cuts a longer name. */
const MAX_NAME_BYTES = 63;

/**
 * A name of PostgreSQL, of RDS or of the trail itself. https://www.postgresql.org/docs/current/sql-createrole.html reserves pg_,
 * RDS rdsadmin, rds_superuser and their kin.
 */
const RESERVED = /^(pg_.*|rds.*|audit_trail_.*|public|none)$/iu;

/** What needs no quotes in an ARN, whose stars and question marks stand for other names. */
const IAM_NAME = /^[\w.@+-]+$/u;

/** The people's logins by name, in the order of the names. */
export const databaseUsers: KeyParser<readonly DatabaseUser[]> = {
    type: "object",
    setting: (key) => `--path ${key}.jane.role`,
    example: "auditor",
    parse(text) {
        const logins = objectIn(text);
        if (logins === undefined) {
            throw new Error("it must be an object with a login's name for each field");
        }
        return Object.entries(logins)
            .map(([login, value]) => userOf(login, value))
            .sort((one, other) => (one.login < other.login ? -1 : 1));
    },
};

function userOf(login: string, value: unknown): DatabaseUser {
    const place = /^\w+$/u.test(login) ? login : `[${JSON.stringify(login)}]`;
    const nameProblem = problemOf(login);
    if (nameProblem !== undefined) {
        throw new FieldError(`its login ${JSON.stringify(login)} ${nameProblem}`, "rm", place);
    }
    if (!isObject(value)) {
        const reason = `its ${JSON.stringify(login)} must be an object with ${FIELDS.join(" and ")}`;
        throw new FieldError(reason, "set", `${place}.role`, "auditor");
    }
    const other = Object.keys(value).find((name) => !FIELDS.includes(name));
    if (other !== undefined) {
        const reason = `its ${JSON.stringify(login)} has the unknown field ${JSON.stringify(other)}`;
        throw new FieldError(reason, "rm", `${place}.${other}`);
    }
    const authentication = oneOf(login, place, "authentication", AUTHENTICATIONS, value);
    if (authentication === "iam" && !IAM_NAME.test(login)) {
        throw new FieldError(
            `its login ${JSON.stringify(login)} is one of IAM, whose policies name only letters, digits and _ . @ + - surely`,
            "rm",
            place,
        );
    }
    return { login, role: oneOf(login, place, "role", ROLES, value), authentication };
}

/** Completes "its login ...". */
function problemOf(login: string): string | undefined {
    if (RESERVED.test(login)) {
        return "is a name that PostgreSQL, RDS or the trail keeps for its own roles";
    }
    if (login === "" || Buffer.byteLength(login) > MAX_NAME_BYTES) {
        return `must have 1 to ${MAX_NAME_BYTES} bytes`;
    }
    return hasControlCharacter(login) || hasDollarQuote(login)
        ? "has a control character or a dollar quote"
        : undefined;
}

function oneOf<T extends string>(
    login: string,
    place: string,
    field: string,
    words: readonly T[],
    value: Readonly<Record<string, unknown>>,
): T {
    const found = words.find((word) => word === value[field]);
    if (found === undefined) {
        throw new FieldError(
            `the ${field} of its login ${JSON.stringify(login)} must be ${words.join(" or ")}`,
            "set",
            `${place}.${field}`,
            words[0],
        );
    }
    return found;
}
