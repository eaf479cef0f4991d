import { DatabaseError } from "pg";
import { codeOf, messageOf } from "../../text/errors";

/** A failed statement in the words of lib/pq, the real provider's driver: the server's message and its SQLSTATE. */
function driverMessage(error: unknown): string {
    return error instanceof DatabaseError
        ? `pq: ${error.message} (${error.code ?? ""})`
        : messageOf(error);
}

/** Runs work; a failure begins with what it was, as the real provider says it. */
export async function inContext<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (cause) {
        throw new Error(`${what}: ${driverMessage(cause)}`, { cause });
    }
}

/** An error in the form in which the real plugin hands it to the engine: on three lines, as the first of a list. */
export function pluginError(action: string, error: unknown): string {
    const text = driverMessage(error);
    // The one that the Pulumi bridge itself makes.
    return text.startsWith("expected non-nil error")
        ? text
        : `${action}1 error occurred:\n\t* ${text}\n\n`;
}

/** What the real plugin logs of an error that it then reports as {@link pluginError} has it; of its bridge's own, nothing. */
export function bridgeLogLine(reported: string, version: string): string | undefined {
    const [, text] = /\t\* (.*)\n\n$/s.exec(reported) ?? [];
    return (
        text &&
        `sdk-v2/provider2.go:571: sdk.helper_schema: ${text}: provider=postgresql@${version}`
    );
}

/** A failure to connect, in the real provider's words: those of Go's net package and of lib/pq. Never holds the password. */
export function connectionFailure(error: unknown, at: { host: string; port: number }): string {
    const code = codeOf(error);
    const reasons: Readonly<Record<string, string>> = {
        ECONNREFUSED: `dial tcp ${at.host}:${at.port}: connect: connection refused`,
        ENOTFOUND: `dial tcp: lookup ${at.host}: no such host`,
        EAI_AGAIN: `dial tcp: lookup ${at.host}: no such host`,
    };
    const text = messageOf(error);
    const reason = /does not support SSL/.test(text)
        ? "pq: SSL is not enabled on the server"
        : /timeout expired/.test(text)
          ? `dial tcp ${at.host}:${at.port}: i/o timeout`
          : /certificate|CERT|LEAF_SIGNATURE|ALTNAME/.test(`${code} ${text}`)
            ? `tls: failed to verify certificate: ${text}`
            : (reasons[code] ?? driverMessage(error));
    return `error connecting to PostgreSQL server ${at.host} (scheme: postgres): ${reason}`;
}
