import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** PostgreSQL's own default (scram_iterations). */
const ITERATIONS = 4096;

function hmac(key: Buffer, text: string): Buffer {
    return createHmac("sha256", key).update(text).digest();
}

/** What PostgreSQL stores for an ASCII password with password_encryption = scram-sha-256 (RFC 5803). */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
    const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
    const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64");
    const server = hmac(salted, "Server Key").toString("base64");
    return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${server}`;
}

/** True when the text is already what PostgreSQL stores, which it takes as it is. */
export function isVerifier(password: string): boolean {
    return /^(md5[0-9a-f]{32}|SCRAM-SHA-256\$.+)$/.test(password);
}

/**
 * What to send in the place of a password, so that a server which logs statements does not log the password. A password
 * with other than ASCII characters goes as it is: only PostgreSQL itself prepares those (SASLprep) as PostgreSQL does.
 */
export function passwordToSend(password: string): string {
    const ascii = /^\p{ASCII}*$/u.test(password);
    return isVerifier(password) || !ascii ? password : scramVerifier(password);
}
