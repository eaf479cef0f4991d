/** A value that is written down, as opposed to one that is looked up: no `$VAR`, `$(command)`, `<placeholder>`, `{{x}}`. */
const LITERAL = String.raw`["']?(?![\s"'$<{(\x60]|\*{3})[^\s"']`;

const patterns: readonly RegExp[] = [
    // PGPASSWORD=..., db_password: ..., "apiKey": ...
    new RegExp(
        String.raw`\b[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|(?:db|pg|user|admin|root|master)_?pwd)["']?\s*[=:]\s*${LITERAL}`,
        "i",
    ),
    // --password hunter2
    new RegExp(String.raw`--?(?:password|passwd|token|secret)\s+${LITERAL}`, "i"),
    // ALTER ROLE x PASSWORD 'hunter2'
    /\bpassword\s+'[^'$]+'/i,
    // postgres://user:password@host
    /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:(?![$<{(])[^\s:/@]+@/i,
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
    // An AWS access key id: a long-term or a temporary one.
    /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/,
];

/** The name of a secret, which whoever has it cannot read it by. */
const SECRET_ARN = /\barn:aws[a-z-]*:secretsmanager:[a-z0-9-]*:\d{12}:secret:[\w/+=.@!-]+/g;

/** True of a text in which somebody seems to have written down a password, key or token. */
export function holdsSecret(text: string): boolean {
    const rest = text.replace(SECRET_ARN, "ARN");
    return patterns.some((pattern) => pattern.test(rest));
}
