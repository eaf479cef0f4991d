import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ADMINISTRATOR, asAdministrator, runFile, runGenerated } from "./administrator";
import { findBinaries } from "./binaries";
import {
    type Parameter,
    type ServerParameters,
    staticParameters,
    toServerParameters,
} from "./parameters";
import { becomesFree, freePort } from "./ports";
import {
    initServer,
    isRunning,
    reloadServer,
    type ServerFiles,
    startOnFreePort,
    startServer,
    stopServer,
    wasRenamed,
    writeSettings,
} from "./postgres";
import { rdsFolder, readRecord, writeRecord } from "./rdsFiles";
import { giveToServerUser } from "./runAs";
import { authorityFiles, ensureAuthority, issueServerCertificate } from "./tls";

/** What makes a cluster's server. */
export interface RdsServerArgs {
    readonly major: number;
    readonly masterUsername: string;
    readonly masterPassword: string;
    readonly databaseName?: string;
    readonly parameters: readonly Parameter[];
}

/**
 * Makes the server of a cluster: data directory, RDS's roles, master user, database and port. It does not run
 * afterwards: that takes an instance. What an interrupted attempt left is thrown away first.
 */
export async function createRdsServer(
    stackDir: string,
    identifier: string,
    args: RdsServerArgs,
): Promise<void> {
    await removeRdsServer(stackDir, identifier);
    const files = await serverFiles(stackDir, identifier, args.major);
    const { folder, passwordFile } = rdsFolder(stackDir, identifier);
    const administrator = randomBytes(24).toString("base64url");
    try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(passwordFile, administrator, { mode: 0o600 });
        await initServer(files, { name: ADMINISTRATOR, password: administrator });
        await bootstrap(files, administrator, args);
        await writeCertificate(stackDir, files);
        await writeRecord(stackDir, identifier, {
            port: await freePort(),
            major: args.major,
            masterUsername: args.masterUsername,
            wanted: false,
            parameters: args.parameters,
            applied: args.parameters,
        });
    } catch (error) {
        await removeRdsServer(stackDir, identifier);
        throw error;
    }
}

/** Fills a new server, on a port that nobody knows and with a door for rdsadmin only. */
async function bootstrap(files: ServerFiles, password: string, args: RdsServerArgs): Promise<void> {
    await writeAccessRules(files, `host all ${ADMINISTRATOR} all scram-sha-256\n`);
    await writeSettings(files, { fsync: "off" });
    const port = await startOnFreePort(files);
    await asAdministrator({ port, password, ca: undefined }, async (client) => {
        await runFile(client, "managed-roles.sql");
        await runGenerated(client, "master-user.sql", [args.masterUsername, args.masterPassword]);
        if (args.databaseName !== undefined && args.databaseName !== "postgres") {
            const names = [args.databaseName, args.masterUsername];
            await runGenerated(client, "master-database.sql", names);
        }
    });
    await stopServer(files);
}

/** Starts the server, as the creation or a reboot of an instance does: every parameter takes effect. Idempotent. */
export async function startRdsServer(stackDir: string, identifier: string): Promise<void> {
    const record = await readRecord(stackDir, identifier);
    const files = await serverFiles(stackDir, identifier, record.major);
    if (await wasRenamed(files)) {
        await stopServer(files);
    }
    if (!(await isRunning(files))) {
        if (!(await becomesFree(record.port))) {
            throw new Error(
                `Cluster "${identifier}" cannot start: another program listens on its port ${record.port} of localhost; ` +
                    "end that program, or destroy the local stack and start it again.",
            );
        }
        const parameters = toServerParameters(record.parameters, files.bin);
        await writeCertificate(stackDir, files);
        await writeConfiguration(files, parameters);
        await startServer(files, record.port);
        await writeRecord(stackDir, identifier, {
            ...record,
            applied: record.parameters,
            wanted: true,
        });
    } else if (!record.wanted) {
        await writeRecord(stackDir, identifier, { ...record, wanted: true });
    }
    await syncReplicationAttribute(stackDir, identifier);
}

/** Restarts the server: pending parameters take effect. */
export async function rebootRdsServer(stackDir: string, identifier: string): Promise<void> {
    await stopRdsServer(stackDir, identifier);
    await startRdsServer(stackDir, identifier);
}

/** Gives the server another parameter group: dynamic parameters take effect now, the others at the next start. */
export async function applyParameters(
    stackDir: string,
    identifier: string,
    parameters: readonly Parameter[],
): Promise<void> {
    const record = await readRecord(stackDir, identifier);
    const files = await serverFiles(stackDir, identifier, record.major);
    await writeRecord(stackDir, identifier, { ...record, parameters });
    if (!(await isRunning(files))) {
        return;
    }
    const waiting = await waitingParameters(parameters, files.bin);
    const now = [
        ...parameters.filter(({ name }) => !waiting.has(name)),
        ...record.applied.filter(({ name }) => waiting.has(name)),
    ];
    await writeConfiguration(files, toServerParameters(now, files.bin));
    await reloadServer(files);
}

/** The parameters that do not take effect before the next start: static ones and those that are said to wait. */
async function waitingParameters(
    parameters: readonly Parameter[],
    bin: string,
): Promise<ReadonlySet<string>> {
    const asked = parameters.filter(({ applyMethod }) => applyMethod === "pending-reboot");
    return new Set([...(await staticParameters(bin)), ...asked.map(({ name }) => name)]);
}

/** Gives the REPLICATION attribute to exactly the members of rds_replication; see the SQL file for why. */
export async function syncReplicationAttribute(
    stackDir: string,
    identifier: string,
): Promise<void> {
    const login = await administratorLogin(stackDir, identifier);
    await asAdministrator(login, async (client) => {
        await runGenerated(client, "replication-members.sql");
    });
}

/** Changes the master user's password, also while there is no instance. */
export async function setMasterPassword(
    stackDir: string,
    identifier: string,
    password: string,
): Promise<void> {
    const record = await readRecord(stackDir, identifier);
    await startRdsServer(stackDir, identifier);
    const login = await administratorLogin(stackDir, identifier);
    await asAdministrator(login, async (client) => {
        await runGenerated(client, "master-password.sql", [record.masterUsername, password]);
    });
    if (!record.wanted) {
        await stopRdsServer(stackDir, identifier);
        await setWanted(stackDir, identifier, false);
    }
}

/** Records whether an instance exists; a revived stack starts the wanted servers only. */
export async function setWanted(
    stackDir: string,
    identifier: string,
    wanted: boolean,
): Promise<void> {
    await writeRecord(stackDir, identifier, {
        ...(await readRecord(stackDir, identifier)),
        wanted,
    });
}

/** Whether the server runs, where its folder is now: a server whose folder was renamed since its start has to start again. */
export async function isRdsServerRunning(stackDir: string, identifier: string): Promise<boolean> {
    const files = existingFiles(stackDir, identifier);
    return (await isRunning(files)) && !(await wasRenamed(files));
}

/** Stops the server; no matter whether it was finished or its programs are still there. */
export async function stopRdsServer(stackDir: string, identifier: string): Promise<void> {
    await stopServer(existingFiles(stackDir, identifier));
}

/** Stops the server and deletes everything it has. */
export async function removeRdsServer(stackDir: string, identifier: string): Promise<void> {
    await stopServer(existingFiles(stackDir, identifier), "immediate");
    await rm(rdsFolder(stackDir, identifier).folder, { recursive: true, force: true });
}

async function administratorLogin(stackDir: string, identifier: string) {
    const { port } = await readRecord(stackDir, identifier);
    const password = await readFile(rdsFolder(stackDir, identifier).passwordFile, "utf8");
    const { certPath } = authorityFiles(stackDir);
    return { port, password, ca: await readFile(certPath, "utf8") };
}

async function serverFiles(
    stackDir: string,
    identifier: string,
    major: number,
): Promise<ServerFiles> {
    return { ...existingFiles(stackDir, identifier), bin: await findBinaries(major) };
}

/** Enough to stop a server or to see whether it runs: its programs may be gone from the cache. */
function existingFiles(stackDir: string, identifier: string): ServerFiles {
    const { dataDir, logFile } = rdsFolder(stackDir, identifier);
    return { bin: "", dataDir, logFile };
}

async function writeConfiguration(files: ServerFiles, parameters: ServerParameters): Promise<void> {
    // RDS serves TLS always; rds.force_ssl decides whether it serves anything else.
    const type = parameters.forceSsl ? "hostssl" : "host";
    const rule = (user: string, method: string): string => `${type} all ${user} all ${method}\n`;
    // Nobody here checks a token of IAM. The members of rds_superuser may grant rds_iam, and so count as members of it.
    await writeAccessRules(
        files,
        rule("+rds_superuser", "scram-sha-256") +
            rule("+rds_iam", "reject") +
            rule("all", "scram-sha-256"),
    );
    await writeSettings(files, {
        ...parameters.settings,
        ssl: "on",
        ssl_cert_file: "server.crt",
        ssl_key_file: "server.key",
    });
}

async function writeAccessRules(files: ServerFiles, rules: string): Promise<void> {
    await writeServerFile(files, "pg_hba.conf", rules);
}

async function writeCertificate(stackDir: string, files: ServerFiles): Promise<void> {
    const issued = await issueServerCertificate(await ensureAuthority(stackDir));
    await writeServerFile(files, "server.crt", issued.cert);
    await writeServerFile(files, "server.key", issued.key);
}

async function writeServerFile(files: ServerFiles, name: string, text: string): Promise<void> {
    const file = path.join(files.dataDir, name);
    await writeFile(file, text, { mode: 0o600 });
    await giveToServerUser(file);
}
