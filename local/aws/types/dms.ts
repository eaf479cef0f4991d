import { X509Certificate } from "node:crypto";
import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TextRule, texts, type TypeBehaviour } from "../behaviour";
import { refuseWhileUsed } from "../inUse";
import { hex } from "../recorder";
import type { ResourceRecord } from "../store";
import { CERTIFICATE, ENDPOINT, startTask, TASK, taskFolder, writeTask } from "../tasks";
import { isKnown } from "../validate";
import { roleProblem } from "./iam";
import { checkSecurityGroups } from "./networkParts";
import { checkZones, keepVpc } from "./rds";

export const REPLICATION_INSTANCE = "aws:dms/replicationInstance:ReplicationInstance";
const SUBNET_GROUP = "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup";
/** Identifiers of DMS, in its API reference; it keeps them in lower case, so that others differ at every update. */
export function dmsIdentifier(longest: number): TextRule {
    return {
        pattern: new RegExp(`^[a-z](?!.*--)[a-z0-9-]{0,${longest - 1}}(?<!-)$`),
        reason: `It has up to ${longest} lower-case letters, digits and hyphens, starts with a letter, and no hyphen ends it or follows another.`,
    };
}

const CLEAR_LOGIN = ["username", "password", "serverName", "port"];

/** Fails as DMS does while one of its two account-wide roles is not there, trusted and given its policy. */
export async function requireDmsRole(call: Call, role: string, policy: string): Promise<void> {
    const roleArn = arn(call.account, "iam", `role/${role}`);
    const problem = await roleProblem(call, roleArn, "dms.amazonaws.com", policy);
    if (problem !== undefined) {
        throw new Error(
            `AccessDeniedFault: the IAM role ${roleArn} is not configured properly: ${problem}.`,
        );
    }
}

function refusedEndpoint(inputs: Props): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const given = CLEAR_LOGIN.filter((name) => inputs[name] !== undefined);
    if (inputs.secretsManagerArn !== undefined) {
        for (const property of given) {
            failures.push({ property, reason: "It comes from the secret: leave it out." });
        }
        if (inputs.secretsManagerAccessRoleArn === undefined) {
            failures.push({
                property: "secretsManagerAccessRoleArn",
                reason: "DMS reads the secret with this role: give it.",
            });
        }
    } else if (given.length < CLEAR_LOGIN.length) {
        failures.push({
            property: "secretsManagerArn",
            reason: `Give it, or all of ${CLEAR_LOGIN.join(", ")}.`,
        });
    }
    const mode = text(inputs, "sslMode") ?? "none";
    if (mode.startsWith("verify-") && inputs.certificateArn === undefined) {
        failures.push({
            property: "certificateArn",
            reason: `sslMode "${mode}" needs a certificate.`,
        });
    }
    return failures;
}

async function checkCertificate(call: Call, inputs: Props): Promise<void> {
    const certificateArn = text(inputs, "certificateArn");
    const missing =
        certificateArn !== undefined &&
        (await call.store.findBy(CERTIFICATE, "certificateArn", certificateArn)) === undefined;
    if (missing) {
        throw new Error(`ResourceNotFoundFault: there is no DMS certificate ${certificateArn}.`);
    }
}

/** Changes an endpoint under its tasks, which must not run meanwhile: pauseReplicationTasks asks to pause them. */
async function changeEndpoint(call: Call, before: ResourceRecord, inputs: Props): Promise<Props> {
    await checkCertificate(call, inputs);
    const endpointArn = before.computed.endpointArn;
    const tasks = (await call.store.list(TASK)).filter(
        (task) =>
            task.computed.status === "running" &&
            (task.inputs.sourceEndpointArn === endpointArn ||
                task.inputs.targetEndpointArn === endpointArn),
    );
    const [first] = tasks;
    if (first !== undefined && inputs.pauseReplicationTasks !== true) {
        throw new Error(
            `InvalidResourceStateFault: endpoint "${call.id}" is used by the running task "${first.id}": set pauseReplicationTasks, or stop the task.`,
        );
    }
    for (const task of tasks) {
        await call.control.stopTask(taskFolder(call.stackDir, task.id));
    }
    await call.store.put({ ...before, inputs });
    for (const task of tasks) {
        await writeTask(call, task.id, task.inputs);
        await startTask(call.control, call.stackDir, task.id);
    }
    return {};
}

const endpoint: TypeBehaviour = {
    idFrom: "endpointId",
    required: ["databaseName", "endpointId", "endpointType", "engineName"],
    oneOf: {
        endpointType: ["source", "target"],
        engineName: ["aurora-postgresql", "postgres"],
        sslMode: ["none", "require", "verify-ca", "verify-full"],
    },
    texts: { endpointId: dmsIdentifier(255) },
    replaceOn: ["endpointId", "kmsKeyArn"],
    check: refusedEndpoint,
    create: async (call, inputs) => {
        await checkCertificate(call, inputs);
        return { endpointArn: arn(call.account, "dms", `endpoint:${hex(26).toUpperCase()}`) };
    },
    update: changeEndpoint,
    delete: async (call, { computed }) => {
        const value = computed.endpointArn;
        await refuseWhileUsed(call, "InvalidResourceStateFault", [
            { type: TASK, property: "sourceEndpointArn", value },
            { type: TASK, property: "targetEndpointArn", value },
        ]);
    },
};

const certificate: TypeBehaviour = {
    idFrom: "certificateId",
    required: ["certificateId"],
    texts: { certificateId: dmsIdentifier(255) },
    replaceOn: ["certificateId", "certificatePem", "certificateWallet"],
    check: (inputs) =>
        isKnown(inputs.certificatePem) && !isCertificate(text(inputs, "certificatePem") ?? "")
            ? [{ property: "certificatePem", reason: "It is not a certificate in PEM form." }]
            : [],
    create: (call) => ({ certificateArn: arn(call.account, "dms", `cert:${call.id}`) }),
    delete: async (call, { computed }) => {
        await refuseWhileUsed(call, "InvalidResourceStateFault", [
            { type: ENDPOINT, property: "certificateArn", value: computed.certificateArn },
        ]);
    },
};

function isCertificate(pem: string): boolean {
    try {
        return new X509Certificate(pem).subject !== "";
    } catch {
        return false;
    }
}

const replicationInstance: TypeBehaviour = {
    idFrom: "replicationInstanceId",
    required: ["replicationInstanceClass", "replicationInstanceId"],
    texts: {
        engineVersion: { pattern: /^\d+\.\d+\.\d+$/, reason: "It is written like 3.6.1." },
        replicationInstanceId: dmsIdentifier(63),
    },
    replaceOn: [
        "availabilityZone",
        "kmsKeyArn",
        "publiclyAccessible",
        "replicationInstanceId",
        "replicationSubnetGroupId",
    ],
    check: (inputs) => {
        const name = text(inputs, "replicationInstanceClass") ?? "";
        const storage = inputs.allocatedStorage;
        return [
            ...(isKnown(inputs.replicationInstanceClass) && !/^dms\.\w+\.\w+$/.test(name)
                ? [
                      {
                          property: "replicationInstanceClass",
                          reason: "It is written like dms.t3.medium.",
                      },
                  ]
                : []),
            ...(typeof storage === "number" && (storage < 5 || storage > 6144)
                ? [{ property: "allocatedStorage", reason: "It is between 5 and 6144 GB." }]
                : []),
        ];
    },
    create: async (call, inputs) => {
        await requireDmsRole(call, "dms-vpc-role", "AmazonDMSVPCManagementRole");
        const group = text(inputs, "replicationSubnetGroupId");
        const found = group === undefined ? undefined : await call.store.get(SUBNET_GROUP, group);
        if (group !== undefined && found === undefined) {
            throw new Error(
                `ResourceNotFoundFault: there is no replication subnet group "${group}".`,
            );
        }
        const vpcId = text(found?.computed ?? {}, "vpcId");
        await checkSecurityGroups(call, texts(inputs, "vpcSecurityGroupIds"), vpcId);
        return {
            replicationInstanceArn: arn(call.account, "dms", `rep:${hex(26).toUpperCase()}`),
            replicationInstancePrivateIps: ["10.0.0.20"],
            replicationInstancePublicIps: [],
        };
    },
    delete: async (call, { computed }) => {
        const value = computed.replicationInstanceArn;
        await refuseWhileUsed(call, "InvalidResourceStateFault", [
            { type: TASK, property: "replicationInstanceArn", value },
        ]);
    },
};

const subnetGroup: TypeBehaviour = {
    idFrom: "replicationSubnetGroupId",
    required: ["replicationSubnetGroupDescription", "replicationSubnetGroupId", "subnetIds"],
    texts: {
        replicationSubnetGroupId: {
            pattern: /^(?!default$)[a-z0-9 ._-]{1,255}$/,
            reason: "It has up to 255 lower-case letters, digits, spaces and ._-, and is not default.",
        },
    },
    replaceOn: ["replicationSubnetGroupId"],
    create: async (call, inputs) => {
        await requireDmsRole(call, "dms-vpc-role", "AmazonDMSVPCManagementRole");
        const code = "ReplicationSubnetGroupDoesNotCoverEnoughAZs";
        const [first] = await checkZones(call, texts(inputs, "subnetIds"), code);
        return {
            replicationSubnetGroupArn: arn(call.account, "dms", `subgrp:${call.id}`),
            vpcId: mustText(first ?? {}, "vpcId"),
        };
    },
    update: keepVpc,
    delete: async (call) => {
        await refuseWhileUsed(call, "InvalidResourceStateFault", [
            { type: REPLICATION_INSTANCE, property: "replicationSubnetGroupId", value: call.id },
        ]);
    },
};

export const dmsTypes: Readonly<Record<string, TypeBehaviour>> = {
    [CERTIFICATE]: certificate,
    [ENDPOINT]: endpoint,
    [REPLICATION_INSTANCE]: replicationInstance,
    [SUBNET_GROUP]: subnetGroup,
};
