import type { CheckFailure, Props } from "../../provider";
import {
    applyParameters,
    createRdsServer,
    rebootRdsServer,
    removeRdsServer,
    setMasterPassword,
    setWanted,
    startRdsServer,
    stopRdsServer,
} from "../../servers/rds";
import { readRecord } from "../../servers/rdsFiles";
import { arn } from "../account";
import { type Call, mustText, text, texts, type TypeBehaviour } from "../behaviour";
import { refuseWhileUsed } from "../inUse";
import { hex } from "../recorder";
import type { ResourceRecord } from "../store";
import { isKnown } from "../validate";
import { checkSecurityGroups, subnetsOf } from "./network";
import { CLUSTER, parameterGroup, parameterGroupTypes } from "./rdsParameters";

const CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance";
const CLUSTER_SNAPSHOT = "aws:rds/clusterSnapshot:ClusterSnapshot";
const SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup";
const HOST = "localhost";

function majorOf(version: string): number {
    return Number(version.split(".")[0]);
}

/** Rules of the RDS API reference for CreateDBCluster. */
function refusedCluster(inputs: Props): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const refuse = (property: string, reason: string, refused: boolean): void => {
        if (isKnown(inputs[property]) && refused) {
            failures.push({ property, reason });
        }
    };
    const name = text(inputs, "masterUsername") ?? "";
    const password = text(inputs, "masterPassword") ?? "";
    const identifier = text(inputs, "clusterIdentifier") ?? "";
    refuse(
        "masterUsername",
        "It starts with a letter, has up to 63 letters, digits and underscores, and is not reserved.",
        !/^[a-z]\w{0,62}$/i.test(name) || /^(rdsadmin|rds_.*|pg_.*|admin|public)$/i.test(name),
    );
    refuse(
        "masterPassword",
        'It has 8 to 99 printable ASCII characters without /, ", @ and space.',
        !/^[!-~]{8,99}$/.test(password) || /[/"@]/.test(password),
    );
    refuse(
        "clusterIdentifier",
        "It has up to 63 lower-case letters, digits and hyphens, starts with a letter, and no hyphen ends it or follows another.",
        !/^[a-z](?!.*--)[a-z0-9-]{0,62}$/.test(identifier) || identifier.endsWith("-"),
    );
    refuse(
        "databaseName",
        "It starts with a letter and has up to 63 letters, digits and underscores.",
        !/^[a-z]\w{0,62}$/i.test(text(inputs, "databaseName") ?? ""),
    );
    refuse(
        "manageMasterUserPassword",
        "The local stack has no RDS-managed password: give masterPassword.",
        inputs.manageMasterUserPassword === true,
    );
    return failures;
}

const cluster: TypeBehaviour = {
    idFrom: "clusterIdentifier",
    autoName: "clusterIdentifier",
    required: ["engine", "masterUsername", "masterPassword"],
    oneOf: { engine: ["aurora-postgresql"] },
    replaceOn: [
        "availabilityZones",
        "clusterIdentifier",
        "clusterIdentifierPrefix",
        "clusterScalabilityType",
        "databaseName",
        "dbSubnetGroupName",
        "dbSystemId",
        "engine",
        "engineMode",
        "kmsKeyId",
        "masterUsername",
        "restoreToPointInTime",
        "snapshotIdentifier",
        "sourceRegion",
        "storageEncrypted",
    ],
    hidden: ["masterPassword"],
    check: refusedCluster,
    create: async (call, inputs) => {
        const version = text(inputs, "engineVersion") ?? "17";
        const subnetGroup = text(inputs, "dbSubnetGroupName");
        if (subnetGroup !== undefined && !(await call.store.get(SUBNET_GROUP, subnetGroup))) {
            throw new Error(
                `DBSubnetGroupNotFoundFault: there is no subnet group "${subnetGroup}".`,
            );
        }
        await checkSecurityGroups(call, texts(inputs, "vpcSecurityGroupIds"));
        const databaseName = text(inputs, "databaseName");
        await createRdsServer(call.stackDir, call.id, {
            major: majorOf(version),
            masterUsername: mustText(inputs, "masterUsername"),
            masterPassword: mustText(inputs, "masterPassword"),
            ...(databaseName === undefined ? {} : { databaseName }),
            parameters: await parameterGroup(call, inputs, majorOf(version)),
        });
        const { port } = await readRecord(call.stackDir, call.id);
        return {
            arn: arn(call.account, "rds", `cluster:${call.id}`),
            clusterResourceId: `cluster-${hex(26).toUpperCase()}`,
            endpoint: HOST,
            readerEndpoint: HOST,
            port,
            engineVersion: version,
            engineVersionActual: version,
            hostedZoneId: "Z2R2ITUGPM61AM",
            clusterMembers: [],
        };
    },
    update: async (call, before, inputs) => {
        const version = text(inputs, "engineVersion") ?? "17";
        const from = majorOf(mustText(before.computed, "engineVersionActual"));
        if (majorOf(version) !== from) {
            throw new Error(
                inputs.allowMajorVersionUpgrade === true
                    ? `The local stack cannot upgrade cluster "${call.id}" from PostgreSQL ${from} to ${version}: stop it and start it again.`
                    : `InvalidParameterCombination: cluster "${call.id}" needs allowMajorVersionUpgrade to go from ${from} to ${version}.`,
            );
        }
        const parameters = await parameterGroup(call, inputs, from);
        await applyParameters(call.stackDir, call.id, parameters);
        // Always: what the record holds never tells whether the password is another one.
        await setMasterPassword(call.stackDir, call.id, mustText(inputs, "masterPassword"));
        return { engineVersion: version, engineVersionActual: version };
    },
    delete: async (call, { inputs }) => {
        if (inputs.deletionProtection === true) {
            throw new Error(
                `InvalidParameterCombination: cluster "${call.id}" cannot be deleted while deletionProtection is true.`,
            );
        }
        const final = text(inputs, "finalSnapshotIdentifier");
        if (inputs.skipFinalSnapshot !== true && final === undefined) {
            throw new Error(
                `Cluster "${call.id}" cannot be deleted: finalSnapshotIdentifier is required when skipFinalSnapshot is false.`,
            );
        }
        if (
            (await call.store.findBy(CLUSTER_INSTANCE, "clusterIdentifier", call.id)) !== undefined
        ) {
            throw new Error(
                `InvalidDBClusterStateFault: cluster "${call.id}" still has instances.`,
            );
        }
        const snapshot = inputs.skipFinalSnapshot === true ? undefined : final;
        if (snapshot !== undefined) {
            await takeSnapshot(call, snapshot);
        }
        await removeRdsServer(call.stackDir, call.id);
    },
};

/** Remembers that a snapshot's name is taken: it outlives its cluster on AWS. There is nothing in it here. */
async function takeSnapshot(call: Call, id: string): Promise<void> {
    if ((await call.store.get(CLUSTER_SNAPSHOT, id)) !== undefined) {
        throw new Error(
            `DBClusterSnapshotAlreadyExistsFault: cluster "${call.id}" cannot be deleted: there is a snapshot "${id}" already; give another finalSnapshotIdentifier.`,
        );
    }
    const inputs = { dbClusterIdentifier: call.id };
    await call.store.put({ type: CLUSTER_SNAPSHOT, id, urn: "", inputs, computed: {} });
}

/** All instances of a cluster share its one local server; the first starts it, the last stops it. */
const clusterInstance: TypeBehaviour = {
    idFrom: "identifier",
    autoName: "identifier",
    required: ["clusterIdentifier", "engine", "instanceClass"],
    oneOf: { engine: ["aurora-postgresql"] },
    replaceOn: [
        "availabilityZone",
        "clusterIdentifier",
        "customIamInstanceProfile",
        "dbSubnetGroupName",
        "engine",
        "identifier",
        "identifierPrefix",
    ],
    check: (inputs) =>
        isKnown(inputs.instanceClass) && !/^db\.\w+\.\w+$/.test(text(inputs, "instanceClass") ?? "")
            ? [{ property: "instanceClass", reason: "It is written like db.t3.medium." }]
            : [],
    create: async (call, inputs) => {
        const clusterId = mustText(inputs, "clusterIdentifier");
        const owner = await call.store.get(CLUSTER, clusterId);
        if (owner === undefined) {
            throw new Error(`DBClusterNotFoundFault: there is no cluster "${clusterId}".`);
        }
        const first =
            (await call.store.findBy(CLUSTER_INSTANCE, "clusterIdentifier", clusterId)) ===
            undefined;
        await startRdsServer(call.stackDir, clusterId);
        const { port } = await readRecord(call.stackDir, clusterId);
        return {
            arn: arn(call.account, "rds", `db:${call.id}`),
            availabilityZone: `${call.account.region}a`,
            dbiResourceId: `db-${hex(26).toUpperCase()}`,
            endpoint: HOST,
            engineVersionActual: owner.computed.engineVersionActual,
            port,
            writer: first,
        };
    },
    update: async (call, before, inputs) => {
        const resized = before.inputs.instanceClass !== inputs.instanceClass;
        if (resized && inputs.applyImmediately === true) {
            await rebootRdsServer(call.stackDir, mustText(inputs, "clusterIdentifier"));
        }
        return {};
    },
    delete: async (call, { inputs }) => {
        const clusterId = mustText(inputs, "clusterIdentifier");
        const all = await call.store.list(CLUSTER_INSTANCE);
        const others = all.filter(
            (one) => one.id !== call.id && one.inputs.clusterIdentifier === clusterId,
        );
        if (others.length === 0 && (await call.store.get(CLUSTER, clusterId)) !== undefined) {
            await stopRdsServer(call.stackDir, clusterId);
            await setWanted(call.stackDir, clusterId, false);
        }
    },
};

/** At least two availability zones, as RDS and DMS ask of their subnet groups. */
export async function checkZones(
    call: Call,
    subnetIds: readonly string[],
    code: string,
): Promise<Props[]> {
    const subnets = await subnetsOf(call, subnetIds);
    const zones = new Set(subnets.map((subnet) => text(subnet, "availabilityZone")));
    if (zones.size < 2) {
        throw new Error(
            `${code}: the subnet group "${call.id}" needs subnets in at least 2 availability zones, it has ${zones.size}.`,
        );
    }
    return subnets;
}

/** Refuses another network for a subnet group, as RDS and DMS do: what is in the group could not go there. */
export async function keepVpc(call: Call, before: ResourceRecord, inputs: Props): Promise<Props> {
    const subnets = await checkZones(call, texts(inputs, "subnetIds"), "InvalidSubnet");
    if (subnets.some(({ vpcId }) => vpcId !== before.computed.vpcId)) {
        throw new Error(
            `InvalidParameterValue: the new subnets of "${call.id}" are not in the VPC of its subnet group.`,
        );
    }
    return {};
}

export const rdsTypes: Readonly<Record<string, TypeBehaviour>> = {
    [CLUSTER]: cluster,
    [CLUSTER_INSTANCE]: clusterInstance,
    ...parameterGroupTypes,
    [SUBNET_GROUP]: {
        idFrom: "name",
        autoName: "name",
        required: ["subnetIds"],
        replaceOn: ["name"],
        create: async (call, inputs) => {
            const code = "DBSubnetGroupDoesNotCoverEnoughAZs";
            const [first] = await checkZones(call, texts(inputs, "subnetIds"), code);
            return { arn: arn(call.account, "rds", `subgrp:${call.id}`), vpcId: first?.vpcId };
        },
        update: keepVpc,
        delete: async (call) => {
            await refuseWhileUsed(call, "InvalidDBSubnetGroupStateFault", [
                { type: CLUSTER, property: "dbSubnetGroupName", value: call.id },
            ]);
        },
    },
};
