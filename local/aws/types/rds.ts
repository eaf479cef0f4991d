import { type CheckFailure, type Props, UNKNOWN } from "../../provider";
import {
    applyParameters,
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
import { subnetsOf } from "./networkParts";
import { instance } from "./rdsInstance";
import { CLUSTER, INSTANCE, parameterGroup, parameterGroupTypes } from "./rdsParameters";
import {
    HOST,
    IDENTIFIER,
    majorOf,
    makeServer,
    refuseDeletion,
    refusedServer,
    refuseUpgrade,
    SERVER_TEXTS,
    type ServerNames,
    SUBNET_GROUP,
    takeFinalSnapshot,
} from "./rdsServer";

const CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance";
const NAMES: ServerNames = {
    identifier: "clusterIdentifier",
    databaseName: "databaseName",
    username: "masterUsername",
    password: "masterPassword",
};

const LOG_EXPORTS = ["postgresql", "instance", "iam-db-auth-error"];

/** In Aurora capacity units, https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html. */
const LARGEST_CAPACITY = 256;

function refusedCapacity(scaling: unknown): CheckFailure[] {
    if (typeof scaling !== "object" || scaling === null) {
        return [];
    }
    const { minCapacity, maxCapacity } = scaling as Props;
    const [least, greatest] = [Number(minCapacity), Number(maxCapacity)];
    return least >= 0 &&
        least <= greatest &&
        greatest >= 1 &&
        greatest <= LARGEST_CAPACITY &&
        [least, greatest].every((units) => Number.isInteger(units * 2))
        ? []
        : [
              {
                  property: "serverlessv2ScalingConfiguration",
                  reason: `minCapacity and maxCapacity are steps of a half from 0 to ${LARGEST_CAPACITY}, the second not the smaller one and 1 at least.`,
              },
          ];
}

function refusedCluster(inputs: Props): CheckFailure[] {
    const exports = texts(inputs, "enabledCloudwatchLogsExports");
    return [
        ...refusedServer(inputs, NAMES),
        ...refusedCapacity(inputs.serverlessv2ScalingConfiguration),
        ...(exports.every((log) => log === UNKNOWN || LOG_EXPORTS.includes(log))
            ? []
            : [
                  {
                      property: "enabledCloudwatchLogsExports",
                      reason: `They are some of ${LOG_EXPORTS.join(", ")}.`,
                  },
              ]),
    ];
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
    texts: SERVER_TEXTS,
    ranges: { backupRetentionPeriod: [1, 35] },
    check: refusedCluster,
    create: async (call, inputs) => {
        const version = text(inputs, "engineVersion") ?? "17";
        const parameters = await parameterGroup(call, CLUSTER, inputs, majorOf(version));
        const port = await makeServer(call, inputs, NAMES, parameters);
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
        refuseUpgrade(call, "cluster", mustText(before.computed, "engineVersionActual"), inputs);
        const parameters = await parameterGroup(call, CLUSTER, inputs, from);
        await applyParameters(call.stackDir, call.id, parameters);
        // Always: what the record holds never tells whether the password is another one.
        await setMasterPassword(call.stackDir, call.id, mustText(inputs, "masterPassword"));
        return { engineVersion: version, engineVersionActual: version };
    },
    delete: async (call, { inputs }) => {
        refuseDeletion(call, "cluster", inputs);
        if (
            (await call.store.findBy(CLUSTER_INSTANCE, "clusterIdentifier", call.id)) !== undefined
        ) {
            throw new Error(
                `InvalidDBClusterStateFault: cluster "${call.id}" still has instances.`,
            );
        }
        await takeFinalSnapshot(call, "cluster", inputs);
        await removeRdsServer(call.stackDir, call.id);
    },
};

/** Refuses the serverless class in a cluster that does not say how far it grows. */
function refuseClass(call: Call, inputs: Props, owner: ResourceRecord): void {
    const isServerless = inputs.instanceClass === "db.serverless";
    if (isServerless && owner.inputs.serverlessv2ScalingConfiguration === undefined) {
        throw new Error(
            `InvalidDBClusterStateFault: set the Serverless v2 scaling configuration on the cluster "${owner.id}" before creating the Serverless v2 instance "${call.id}".`,
        );
    }
}

/** All instances of a cluster share its one local server; the first starts it, the last stops it. */
const clusterInstance: TypeBehaviour = {
    idFrom: "identifier",
    autoName: "identifier",
    required: ["clusterIdentifier", "engine", "instanceClass"],
    texts: { identifier: IDENTIFIER },
    ranges: { promotionTier: [0, 15] },
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
        isKnown(inputs.instanceClass) &&
        !/^db\.(serverless|\w+\.\w+)$/.test(text(inputs, "instanceClass") ?? "")
            ? [{ property: "instanceClass", reason: "It is written like db.t3.medium." }]
            : [],
    create: async (call, inputs) => {
        const clusterId = mustText(inputs, "clusterIdentifier");
        const owner = await call.store.get(CLUSTER, clusterId);
        if (owner === undefined) {
            throw new Error(`DBClusterNotFoundFault: there is no cluster "${clusterId}".`);
        }
        refuseClass(call, inputs, owner);
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
    if (new Set(subnets.map(({ vpcId }) => vpcId)).size > 1) {
        throw new Error(`InvalidSubnet: the subnets of "${call.id}" are not all in one VPC.`);
    }
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
    [INSTANCE]: instance,
    ...parameterGroupTypes,
    [SUBNET_GROUP]: {
        idFrom: "name",
        autoName: "name",
        required: ["subnetIds"],
        texts: {
            name: {
                pattern: /^(?!default$)[a-z0-9 ._-]{1,255}$/,
                reason: "It has up to 255 lower-case letters, digits, spaces and ._-, and is not default.",
            },
        },
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
                { type: INSTANCE, property: "dbSubnetGroupName", value: call.id },
            ]);
        },
    },
};
