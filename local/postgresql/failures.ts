import { DatabaseError } from "pg";

/** What a person can do about a failure, by SQLSTATE (PostgreSQL manual, appendix A). */
const REMEDIES: Readonly<Record<string, string>> = {
    "42704": "create it first, or make this resource depend on what creates it",
    "3F000": "create it first, or make this resource depend on what creates it",
    "42P01": "create it first, or make this resource depend on what creates it",
    "42703": "create it first, or make this resource depend on what creates it",
    "42883": "create it first, or make this resource depend on what creates it",
    "42501":
        "let the provider's user own the object, or be a member of its owner, or have ADMIN OPTION on the role",
    "42710": "adopt it with pulumi import, or remove it from the server",
    "42P06": "adopt it with pulumi import, or remove it from the server",
    "42723": "adopt it with pulumi import, or remove it from the server",
    "42P04": "adopt it with pulumi import, or remove it from the server",
    "2BP01": "remove what depends on it first, or set dropCascade where the resource has it",
    "55006": "end the sessions that use it and run the update again",
    "0LP01": "break the circle of memberships between these two roles",
};

function hint(remedy: string | undefined): string {
    return remedy === undefined ? "" : `; ${remedy}`;
}

function message(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

function code(error: unknown): string | undefined {
    const found = error instanceof Error && "code" in error ? error.code : undefined;
    return typeof found === "string" ? found : undefined;
}

/** A statement's failure as a clause: what the server said and the way out. */
export function statementFailure(error: unknown): string {
    if (!(error instanceof DatabaseError)) {
        return message(error);
    }
    const detail = error.detail === undefined ? "" : ` (${error.detail.replace(/\.$/, "")})`;
    return `${error.message}${detail}${hint(REMEDIES[error.code ?? ""])}`.replaceAll("\n", " ");
}

/** A failure to connect as a clause: which server, why, and the argument to correct. Never holds the password. */
export function connectionFailure(
    error: unknown,
    at: { host: string; port: number; username: string; database: string },
): string {
    const server = `the PostgreSQL server at ${at.host}:${at.port}`;
    const reason = code(error);
    switch (reason) {
        case "28P01":
            return `${server} does not accept the password of user "${at.username}"; correct the provider's username and password`;
        case "28000":
            return `${server} does not let user "${at.username}" in: ${message(error)}; correct the provider's username and sslmode`;
        case "3D000":
            return `${server} has no database "${at.database}"; create it first, or correct the resource's or the provider's database`;
        case "57P03":
            return `${server} is starting up or shutting down; run the update again`;
        case "53300":
            return `${server} has no connection free; lower the provider's maxConnections`;
        default:
    }
    if (/certificate|CERT|LEAF_SIGNATURE|ALTNAME/.test(`${reason ?? ""} ${message(error)}`)) {
        return `${server} shows a certificate that is not trusted (${reason ?? message(error)}); correct the provider's sslrootcert and host`;
    }
    if (/does not support SSL/.test(message(error))) {
        return `${server} does not offer TLS; turn it on there, or set the provider's sslmode to "disable"`;
    }
    if (reason?.startsWith("E") === true || /timeout expired/.test(message(error))) {
        return `${server} cannot be reached (${reason ?? "no answer in time"}); start it, or correct the provider's host and port`;
    }
    return `${server} broke off the connection: ${message(error)}`;
}
