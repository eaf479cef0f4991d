import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

/** A private certificate authority: what RDS's regional authorities are to the clusters on AWS. */
export interface Authority {
    readonly cert: string;
    readonly key: string;
}

export interface ServerCertificate {
    readonly cert: string;
    readonly key: string;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Servers get a new certificate at every start. */
const SERVER_DAYS = 825;

/** The files of a stack's authority: `ca/ca.pem` (public) and `ca/ca.key` (0600). */
export function authorityFiles(stackDir: string): { certPath: string; keyPath: string } {
    return {
        certPath: path.join(stackDir, "ca", "ca.pem"),
        keyPath: path.join(stackDir, "ca", "ca.key"),
    };
}

/** The stack's authority, made at the first call. Programs read its file where they would read the RDS bundle. */
export async function ensureAuthority(stackDir: string): Promise<Authority> {
    const { certPath, keyPath } = authorityFiles(stackDir);
    if (!existsSync(certPath)) {
        const { generate } = await selfsigned();
        const made = await generate([{ name: "commonName", value: "audit-trail local CA" }], {
            ...validity(AUTHORITY_DAYS),
            keyType: "ec",
            algorithm: "sha256",
            extensions: [
                { name: "basicConstraints", cA: true, critical: true },
                { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
            ],
        });
        await mkdir(path.dirname(certPath), { recursive: true, mode: 0o700 });
        await writeWhole(keyPath, made.private, 0o600);
        await writeWhole(certPath, made.cert, 0o644); // last: its presence says that both are there
    }
    return {
        cert: await readFile(certPath, "utf8"),
        key: await readFile(keyPath, "utf8"),
    };
}

/** A certificate for servers on this machine, valid for every name a client may use. */
export async function issueServerCertificate(authority: Authority): Promise<ServerCertificate> {
    const { generate } = await selfsigned();
    const issued = await generate([{ name: "commonName", value: "localhost" }], {
        ...validity(SERVER_DAYS),
        keyType: "ec",
        algorithm: "sha256",
        ca: { cert: authority.cert, key: authority.key },
        extensions: [
            { name: "basicConstraints", cA: false, critical: true },
            { name: "keyUsage", digitalSignature: true, critical: true },
            { name: "extKeyUsage", serverAuth: true },
            {
                name: "subjectAltName",
                altNames: [
                    { type: 2, value: "localhost" },
                    { type: 7, ip: "127.0.0.1" },
                    { type: 7, ip: "::1" },
                ],
            },
        ],
    });
    if (!new X509Certificate(issued.cert).checkPrivateKey(createPrivateKey(issued.private))) {
        throw new Error("The server certificate that was issued does not fit its key.");
    }
    return { cert: issued.cert, key: issued.private };
}

/** Loaded when a certificate has to be made, which is seldom: it takes a tenth of a second. */
const selfsigned = () => import("selfsigned");

function validity(days: number): { notBeforeDate: Date; notAfterDate: Date } {
    // A day of slack for a machine whose clock was set back.
    const now = Date.now();
    return {
        notBeforeDate: new Date(now - DAY_MS),
        notAfterDate: new Date(now + days * DAY_MS),
    };
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
    await writeFile(`${file}.new`, text, { mode });
    await rename(`${file}.new`, file);
}
