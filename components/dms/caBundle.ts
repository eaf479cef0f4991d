import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates of one region out of a bundle of all regions': a DMS certificate is one small file. A bundle in which
 * no certificate names the region, such as one of a private authority, is passed on whole.
 */
export function regionBundle(pem: string, region: string): string {
    const certificates = pem.match(CERTIFICATE) ?? [];
    // Amazon's are named like "Amazon RDS eu-west-1 Root CA RSA2048 G1"; one region's name may begin another's.
    const chosen = certificates.filter((certificate) =>
        new X509Certificate(certificate).subject.split(/[\s=]+/).includes(region),
    );
    return chosen.length > 0 ? `${chosen.join("\n")}\n` : pem;
}

/** Whether a text holds certificates, none of them damaged. */
function isBundle(pem: string): boolean {
    const certificates = pem.match(CERTIFICATE) ?? [];
    try {
        return certificates.map((one) => new X509Certificate(one)).length > 0;
    } catch {
        return false;
    }
}

/** A bundle of certificate authorities. */
export interface CaBundle {
    /** Its file as the config and people's commands name it, relative to the project folder. */
    readonly file: string;
    /**
     * Path of its file, relative to the program's working folder, which is that of the plugins too. Not absolute: it goes
     * into the state, which is shared by people whose project folders lie elsewhere.
     */
    readonly path: string;
    readonly pem: string;
}

/**
 * Reads the PEM file that the config names.
 * @param folder The project's folder.
 * @param file The path in the config, relative to it.
 * @param key The config key that has it.
 * @throws Error when the file cannot be read or one of its certificates is damaged.
 */
export function readCaBundle(folder: string, file: string, key = "caBundle"): CaBundle {
    const bundlePath = path.resolve(folder, file);
    let pem: string;
    try {
        pem = readFileSync(bundlePath, "utf8");
    } catch {
        throw new pulumi.RunError(
            `The file ${file} that the config key audit-trail:${key} names cannot be read; name an existing PEM file relative to the project folder.`,
        );
    }
    if (!isBundle(pem)) {
        throw new pulumi.RunError(
            `The file ${file} that the config key audit-trail:${key} names is not a bundle of PEM certificates; put the certificate authorities of the database servers there.`,
        );
    }
    return { file, path: path.relative("", bundlePath), pem };
}
