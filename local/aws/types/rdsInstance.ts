import type { CheckFailure, Props } from "../../provider";
import {
    applyParameters,
    rebootRdsServer,
    removeRdsServer,
    setMasterPassword,
    startRdsServer,
} from "../../servers/rds";
import { arn } from "../account";
import { mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import type { ResourceRecord } from "../store";
import { isKnown } from "../validate";
import { INSTANCE, parameterGroup } from "./rdsParameters";
import {
    HOST,
    majorOf,
    makeServer,
    refuseDeletion,
    refusedServer,
    refuseUpgrade,
    SERVER_TEXTS,
    type ServerNames,
    takeFinalSnapshot,
} from "./rdsServer";

const NAMES: ServerNames = {
    identifier: "identifier",
    databaseName: "dbName",
    username: "username",
    password: "password",
};

/** In GB: gp2 and gp3 of PostgreSQL, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html. */
const LEAST_STORAGE = 20;

/** The part of the storage that is the least room to grow, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html. */
const LEAST_ROOM = 0.1;

function refusedInstance(inputs: Props): CheckFailure[] {
    const failures = refusedServer(inputs, NAMES);
    const { instanceClass, allocatedStorage, maxAllocatedStorage } = inputs;
    if (isKnown(instanceClass) && !/^db\.\w+\.\w+$/.test(text(inputs, "instanceClass") ?? "")) {
        failures.push({ property: "instanceClass", reason: "It is written like db.t3.medium." });
    }
    const size = Number(allocatedStorage);
    if (isKnown(allocatedStorage) && !(size >= LEAST_STORAGE)) {
        failures.push({
            property: "allocatedStorage",
            reason: `It is ${LEAST_STORAGE} GB or more.`,
        });
    }
    if (isKnown(maxAllocatedStorage) && Number(maxAllocatedStorage) < size + size * LEAST_ROOM) {
        failures.push({
            property: "maxAllocatedStorage",
            reason: "It is at least a tenth more than allocatedStorage.",
        });
    }
    return failures;
}

/** AWS renames an instance in place. */
function refuseRenaming(id: string, inputs: Props): void {
    const identifier = text(inputs, "identifier");
    if (identifier !== id) {
        throw new Error(
            `The local stack cannot rename instance "${id}" to "${identifier ?? ""}": stop it and start it again.`,
        );
    }
}

/** RDS grows a disk and never shrinks one. */
function refuseShrinking(id: string, before: ResourceRecord, inputs: Props): void {
    if (Number(inputs.allocatedStorage) < Number(before.inputs.allocatedStorage)) {
        throw new Error(
            `InvalidParameterCombination: the storage of instance "${id}" cannot be reduced from ${String(before.inputs.allocatedStorage)} to ${String(inputs.allocatedStorage)} GB.`,
        );
    }
}

/** An instance of RDS for PostgreSQL is a server that runs from its creation on. */
export const instance: TypeBehaviour = {
    idFrom: "identifier",
    autoName: "identifier",
    required: ["engine", "instanceClass", "allocatedStorage", "username", "password"],
    oneOf: { engine: ["postgres"], storageType: ["gp2", "gp3", "io1", "io2"] },
    replaceOn: [
        "availabilityZone",
        "characterSetName",
        "customIamInstanceProfile",
        "dbName",
        "engine",
        "identifierPrefix",
        "kmsKeyId",
        "restoreToPointInTime",
        "s3Import",
        "snapshotIdentifier",
        "storageEncrypted",
        "timezone",
        "username",
    ],
    hidden: ["password"],
    texts: SERVER_TEXTS,
    ranges: { backupRetentionPeriod: [0, 35] },
    check: refusedInstance,
    create: async (call, inputs) => {
        const version = text(inputs, "engineVersion") ?? "17";
        const parameters = await parameterGroup(call, INSTANCE, inputs, majorOf(version));
        const port = await makeServer(call, inputs, NAMES, parameters);
        try {
            await startRdsServer(call.stackDir, call.id);
        } catch (error) {
            await removeRdsServer(call.stackDir, call.id);
            throw error;
        }
        return {
            arn: arn(call.account, "rds", `db:${call.id}`),
            address: HOST,
            endpoint: `${HOST}:${port}`,
            port,
            availabilityZone: `${call.account.region}a`,
            resourceId: `db-${hex(26).toUpperCase()}`,
            engineVersionActual: version,
            hostedZoneId: "Z2R2ITUGPM61AM",
            status: "available",
        };
    },
    update: async (call, before, inputs) => {
        refuseRenaming(call.id, inputs);
        refuseShrinking(call.id, before, inputs);
        const from = majorOf(mustText(before.computed, "engineVersionActual"));
        refuseUpgrade(call, "instance", mustText(before.computed, "engineVersionActual"), inputs);
        const parameters = await parameterGroup(call, INSTANCE, inputs, from);
        await applyParameters(call.stackDir, call.id, parameters);
        // Always: what the record holds never tells whether the password is another one.
        await setMasterPassword(call.stackDir, call.id, mustText(inputs, "password"));
        const resized = before.inputs.instanceClass !== inputs.instanceClass;
        if (resized && inputs.applyImmediately === true) {
            await rebootRdsServer(call.stackDir, call.id);
        }
        return { engineVersionActual: text(inputs, "engineVersion") ?? "17" };
    },
    delete: async (call, { inputs }) => {
        refuseDeletion(call, "instance", inputs);
        await takeFinalSnapshot(call, "instance", inputs);
        await removeRdsServer(call.stackDir, call.id);
    },
};
