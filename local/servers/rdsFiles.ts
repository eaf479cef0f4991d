import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { namesIn, readIfExists } from "./files";
import type { Parameter } from "./parameters";

/** What is kept about one cluster's server, as `servers/<identifier>/server.json`. */
export interface RdsRecord {
    readonly port: number;
    readonly major: number;
    readonly masterUsername: string;
    /** Whether an instance exists, so that the server should run. */
    readonly wanted: boolean;
    /** The parameter group as it is now. */
    readonly parameters: readonly Parameter[];
    /** The parameter group as it was at the server's last start. */
    readonly applied: readonly Parameter[];
}

export interface RdsFolder {
    readonly folder: string;
    readonly dataDir: string;
    readonly logFile: string;
    readonly recordFile: string;
    readonly passwordFile: string;
}

export function rdsFolder(stackDir: string, identifier: string): RdsFolder {
    const folder = path.join(stackDir, "servers", identifier);
    return {
        folder,
        dataDir: path.join(folder, "data"),
        logFile: path.join(folder, "server.log"),
        recordFile: path.join(folder, "server.json"),
        passwordFile: path.join(folder, "rdsadmin"),
    };
}

/** The identifiers of all servers of a stack, half-made ones too. */
export async function rdsIdentifiers(stackDir: string): Promise<string[]> {
    return await namesIn(path.join(stackDir, "servers"));
}

/** The record, or undefined when there is no such server or it was never finished. */
export async function findRecord(
    stackDir: string,
    identifier: string,
): Promise<RdsRecord | undefined> {
    const { recordFile } = rdsFolder(stackDir, identifier);
    const text = await readIfExists(recordFile);
    return text === undefined ? undefined : (JSON.parse(text) as RdsRecord);
}

export async function readRecord(stackDir: string, identifier: string): Promise<RdsRecord> {
    const record = await findRecord(stackDir, identifier);
    if (record === undefined) {
        throw new Error(
            `There is no cluster "${identifier}" in ${stackDir}: destroy the local stack and start it again.`,
        );
    }
    return record;
}

export async function writeRecord(
    stackDir: string,
    identifier: string,
    record: RdsRecord,
): Promise<void> {
    const { folder, recordFile } = rdsFolder(stackDir, identifier);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(`${recordFile}.new`, `${JSON.stringify(record, undefined, 2)}\n`, {
        mode: 0o600,
    });
    await rename(`${recordFile}.new`, recordFile);
}
