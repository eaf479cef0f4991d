import { createHash } from "node:crypto";

/** The fingerprint of a public key, as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Buffer): string {
    return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The fingerprint of the expected key, which is given as a fingerprint or as a public key line. */
export function expectedFingerprint(hostKey: string): string {
    const [first = "", blob = ""] = hostKey.trim().split(/\s+/);
    return first.startsWith("SHA256:")
        ? first.replace(/=+$/, "")
        : fingerprint(Buffer.from(blob, "base64"));
}

/** RSA keys sign in two ways (RFC 8332); SHA-1, the third, is not accepted. */
const RSA = ["rsa-sha2-512", "rsa-sha2-256"] as const;

const ALGORITHMS = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    ...RSA,
] as const;

/** Which kinds of host keys to ask the server for: only the expected one, because a host has several keys. */
export function hostKeyAlgorithms(hostKey: string): (typeof ALGORITHMS)[number][] {
    const [type = ""] = hostKey.trim().split(/\s+/);
    if (type === "ssh-rsa") {
        return [...RSA];
    }
    const one = ALGORITHMS.filter((algorithm) => algorithm === type);
    return one.length > 0 ? one : [...ALGORITHMS];
}
