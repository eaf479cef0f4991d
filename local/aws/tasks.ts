import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Props } from "../provider";
import { namesIn, readIfExists } from "../servers/files";
import { isRdsServerRunning, syncReplicationAttribute } from "../servers/rds";
import { findRecord, rdsIdentifiers } from "../servers/rdsFiles";
import { type Call, mustText, text } from "./behaviour";
import { roleMay } from "./rolePolicies";
import { SECRET, secretValue } from "./secretValue";
import type { TaskControl } from "./taskControl";
import { ROLE, roleProblem } from "./types/iam";

export const TASK = "aws:dms/replicationTask:ReplicationTask";
export const ENDPOINT = "aws:dms/endpoint:Endpoint";
export const CERTIFICATE = "aws:dms/certificate:Certificate";

/** One side of a task, with its secret and certificate looked up: what the replicator connects with. */
interface TaskEndpoint {
    readonly engineName: string;
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    readonly databaseName: string;
    readonly sslMode: string;
    readonly caCertificatePem?: string;
    readonly extraConnectionAttributes?: string;
    readonly postgresSettings?: unknown;
}

/** The folder of a task: task.json here, the rest is the replicator's. */
export function taskFolder(stackDir: string, taskId: string): string {
    return path.join(stackDir, "tasks", taskId);
}

/** The ids of all tasks of a stack that have a folder. */
export async function taskIds(stackDir: string): Promise<string[]> {
    return await namesIn(path.join(stackDir, "tasks"));
}

/**
 * Writes task.json from the task's inputs and the endpoints as they are now; tells whether that took the place of
 * something else.
 */
export async function writeTask(call: Call, taskId: string, inputs: Props): Promise<boolean> {
    const task = {
        taskIdentifier: taskId,
        migrationType: mustText(inputs, "migrationType"),
        tableMappings: mustText(inputs, "tableMappings"),
        taskSettings: text(inputs, "replicationTaskSettings") ?? "{}",
        source: await endpointOf(call, mustText(inputs, "sourceEndpointArn"), "source"),
        target: await endpointOf(call, mustText(inputs, "targetEndpointArn"), "target"),
    };
    const folder = taskFolder(call.stackDir, taskId);
    const file = path.join(folder, "task.json");
    const json = `${JSON.stringify(task, undefined, 2)}\n`;
    const before = await readIfExists(file);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, json, { mode: 0o600 });
    await rename(`${file}.new`, file);
    return before !== undefined && before !== json;
}

/** Starts or resumes a task. */
export async function startTask(
    control: TaskControl,
    stackDir: string,
    taskId: string,
): Promise<void> {
    for (const identifier of await rdsIdentifiers(stackDir)) {
        if ((await findRecord(stackDir, identifier))?.wanted === true) {
            await syncReplicationAttribute(stackDir, identifier);
        }
    }
    await control.startTask(taskFolder(stackDir, taskId));
}

/** Lets members of rds_replication use slots again, wherever a server runs; one that does not run has no sessions. */
async function restoreReplicationRights(stackDir: string): Promise<void> {
    for (const identifier of await rdsIdentifiers(stackDir)) {
        const finished = (await findRecord(stackDir, identifier)) !== undefined;
        if (finished && (await isRdsServerRunning(stackDir, identifier))) {
            await syncReplicationAttribute(stackDir, identifier);
        }
    }
}

/** Stops a task, drops its slot and deletes its folder; no matter in which state it is. */
export async function removeTask(
    control: TaskControl,
    stackDir: string,
    taskId: string,
): Promise<void> {
    const folder = taskFolder(stackDir, taskId);
    if (existsSync(folder)) {
        await control.stopTask(folder);
        if (existsSync(path.join(folder, "task.json"))) {
            // An update may have taken the attribute since the task was started.
            await restoreReplicationRights(stackDir);
            await control.dropTaskSlot(folder);
        }
        await rm(folder, { recursive: true, force: true });
    }
}

async function endpointOf(call: Call, endpointArn: string, type: string): Promise<TaskEndpoint> {
    const record = await call.store.findBy(ENDPOINT, "endpointArn", endpointArn);
    if (record === undefined || record.inputs.endpointType !== type) {
        throw new Error(
            `ResourceNotFoundFault: the task "${call.id}" has no ${type} endpoint "${endpointArn}".`,
        );
    }
    const { inputs } = record;
    const certificateArn = text(inputs, "certificateArn");
    const certificate =
        certificateArn === undefined
            ? undefined
            : await call.store.findBy(CERTIFICATE, "certificateArn", certificateArn);
    const attributes = text(inputs, "extraConnectionAttributes");
    return {
        engineName: mustText(inputs, "engineName"),
        ...(await loginOf(call, record.id, inputs)),
        databaseName: mustText(inputs, "databaseName"),
        sslMode: text(inputs, "sslMode") ?? "none",
        ...(certificate && { caCertificatePem: mustText(certificate.inputs, "certificatePem") }),
        ...(attributes !== undefined && { extraConnectionAttributes: attributes }),
        ...(inputs.postgresSettings !== undefined && { postgresSettings: inputs.postgresSettings }),
    };
}

type Login = Pick<TaskEndpoint, "host" | "port" | "username" | "password">;

/** Host and credentials, from the endpoint or, as DMS does at the start of a task, from its secret. */
async function loginOf(call: Call, endpointId: string, inputs: Props): Promise<Login> {
    const secretArn = text(inputs, "secretsManagerArn");
    if (secretArn === undefined) {
        return login(endpointId, { ...inputs, host: inputs.serverName });
    }
    const service = `dms.${call.account.region}.amazonaws.com`;
    const problem = await roleProblem(
        call,
        mustText(inputs, "secretsManagerAccessRoleArn"),
        service,
    );
    if (problem !== undefined) {
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": ${problem}, so its secret cannot be read.`,
        );
    }
    const role = await call.store.findBy(
        ROLE,
        "arn",
        mustText(inputs, "secretsManagerAccessRoleArn"),
    );
    const reads = "secretsmanager:GetSecretValue";
    if (role === undefined || !(await roleMay(call.store, role, reads, secretArn))) {
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": AccessDeniedException: no policy of its access role allows ${reads} on ${secretArn}.`,
        );
    }
    const key = text((await call.store.get(SECRET, secretArn))?.inputs ?? {}, "kmsKeyId");
    if (key !== undefined && !(await roleMay(call.store, role, "kms:Decrypt", key))) {
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": AccessDeniedException: no policy of its access role allows kms:Decrypt on ${key}, which encrypts its secret.`,
        );
    }
    const value = await secretValue(call.store, secretArn);
    if (value === undefined) {
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": the secret ${secretArn} has no value.`,
        );
    }
    return login(endpointId, parseSecret(endpointId, value));
}

function parseSecret(endpointId: string, value: string): Props {
    try {
        return JSON.parse(value) as Props;
    } catch {
        // Without a cause: a JSON error quotes the text, here a password.
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": its secret is not JSON with username, password, host and port.`,
        );
    }
}

function login(endpointId: string, values: Props): Login {
    const missing = ["username", "password", "host", "port"].filter((name) => !values[name]);
    if (missing.length > 0) {
        throw new Error(
            `Test connection failed for endpoint "${endpointId}": its secret lacks ${missing.join(", ")}.`,
        );
    }
    return {
        host: mustText(values, "host"),
        port: Number(values.port),
        username: mustText(values, "username"),
        password: mustText(values, "password"),
    };
}
