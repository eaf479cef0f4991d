import { Client } from "pg";
import { codeOf, PlainError } from "../../text/errors";

/**
 * Refuses a database's address whose server nobody would know for certain: passwords and rows go over the connection, and
 * what a verification says is worth no more than the server that answers. On this machine nobody is in between.
 *
 * @param name how the address is called in the message, which never says the address itself: it holds a password
 * @throws PlainError with one sentence
 */
export function requireVerifiedServer(name: string, connectionString: string): void {
    const { host, isVerified } = describe(name, connectionString);
    if (!isVerified && !isThisMachine(host)) {
        throw new PlainError(
            `${name} leads to ${host} without checking who answers there; add sslmode=verify-full and sslrootcert=<file of its certificate authorities> to the address.`,
        );
    }
}

/** The addresses of both databases, as somebody gives them instead of a stack. */
export interface GivenUrls {
    readonly sourceUrl: string;
    readonly auditUrl: string;
}

/**
 * The addresses that the environment gives; undefined where it gives none. An empty variable gives none.
 *
 * @throws PlainError where it gives only one: the other would be that of another trail
 */
export function givenUrls({
    AUDIT_TRAIL_SOURCE_URL: sourceUrl = "",
    AUDIT_TRAIL_AUDIT_URL: auditUrl = "",
}: NodeJS.ProcessEnv): GivenUrls | undefined {
    if (sourceUrl === "" && auditUrl === "") {
        return undefined;
    }
    if (sourceUrl !== "" && auditUrl !== "") {
        return { sourceUrl, auditUrl };
    }
    const [given, missing] =
        auditUrl === ""
            ? ["AUDIT_TRAIL_SOURCE_URL", "AUDIT_TRAIL_AUDIT_URL"]
            : ["AUDIT_TRAIL_AUDIT_URL", "AUDIT_TRAIL_SOURCE_URL"];
    throw new PlainError(
        `${given} is set and ${missing} is not; set both, or neither to take the addresses of the stack.`,
    );
}

/** As the client understands the address, which is not always what it looks like: a parameter may name another host. */
function describe(name: string, connectionString: string): { host: string; isVerified: boolean } {
    try {
        const modes = new URL(connectionString).searchParams.getAll("sslmode");
        const { host, ssl } = new Client({ connectionString }) as unknown as {
            host: string;
            ssl?: boolean | { rejectUnauthorized?: boolean; checkServerIdentity?: unknown };
        };
        const isChecked =
            typeof ssl === "object" &&
            ssl.rejectUnauthorized !== false &&
            ssl.checkServerIdentity === undefined;
        const isAsked = modes.length > 0 && modes.every((mode) => mode === "verify-full");
        return { host, isVerified: isChecked && isAsked };
    } catch (cause) {
        const code = codeOf(cause);
        if (code === "ENOENT" || code === "EACCES") {
            throw new PlainError(
                `${name} names a file (sslrootcert, for example) that cannot be read (${code}); correct its path.`,
            );
        }
        throw new PlainError(
            `${name} is not the address of a database; write postgresql://user:password@host:port/database?sslmode=verify-full, special characters as %-codes.`,
        );
    }
}

function isThisMachine(host: string): boolean {
    return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|\/.*)$/u.test(host);
}
