import type { CheckFailure, Props } from "../../provider";
import type { Parameter } from "../../servers/parameters";
import { createRdsServer } from "../../servers/rds";
import { readRecord } from "../../servers/rdsFiles";
import { type Call, mustText, text, type TextRule, texts } from "../behaviour";
import { isKnown } from "../validate";
import { checkSecurityGroups } from "./networkParts";

export const SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup";
/** All servers are on this machine. */
export const HOST = "localhost";

/** How a type names what makes a server. */
export interface ServerNames {
    readonly identifier: string;
    readonly databaseName: string;
    readonly username: string;
    readonly password: string;
}

export function majorOf(version: string): number {
    return Number(version.split(".")[0]);
}

/** Without a minor version RDS takes the one that it prefers, which goes back for nobody. */
function minorOf(version: string): number {
    return Number(version.split(".")[1] ?? Number.POSITIVE_INFINITY);
}

/** Identifiers of clusters and instances, in the RDS API reference for CreateDBCluster and CreateDBInstance. */
export const IDENTIFIER: TextRule = {
    pattern: /^[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)$/,
    reason: "It has up to 63 lower-case letters, digits and hyphens, starts with a letter, and no hyphen ends it or follows another.",
};

/** Further texts of a server, by the input that has them under this name for both kinds. */
export const SERVER_TEXTS: Readonly<Record<string, TextRule>> = {
    engineVersion: { pattern: /^\d{1,2}(\.\d{1,2})?$/, reason: "It is written like 17.7." },
    finalSnapshotIdentifier: {
        pattern: /^[a-z](?!.*--)[a-z0-9-]{0,254}(?<!-)$/i,
        reason: "It has up to 255 letters, digits and hyphens, starts with a letter, and no hyphen ends it or follows another.",
    },
};

/** Rules of the RDS API reference for CreateDBCluster and CreateDBInstance. */
export function refusedServer(inputs: Props, names: ServerNames): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const refuse = (property: string, reason: string, refused: boolean): void => {
        if (isKnown(inputs[property]) && refused) {
            failures.push({ property, reason });
        }
    };
    const name = text(inputs, names.username) ?? "";
    const password = text(inputs, names.password) ?? "";
    const identifier = text(inputs, names.identifier) ?? "";
    refuse(
        names.username,
        "It starts with a letter, has up to 63 letters, digits and underscores, and is not reserved.",
        !/^[a-z]\w{0,62}$/i.test(name) || /^(rdsadmin|rds_.*|pg_.*|admin|public)$/i.test(name),
    );
    refuse(
        names.password,
        'It has 8 to 99 printable ASCII characters without /, ", @ and space.',
        !/^[!-~]{8,99}$/.test(password) || /[/"@]/.test(password),
    );
    refuse(names.identifier, IDENTIFIER.reason, !IDENTIFIER.pattern.test(identifier));
    refuse(
        "kmsKeyId",
        "Only an encrypted server has a key: set storageEncrypted.",
        inputs.storageEncrypted !== true,
    );
    refuse(
        names.databaseName,
        "It starts with a letter and has up to 63 letters, digits and underscores.",
        !/^[a-z]\w{0,62}$/i.test(text(inputs, names.databaseName) ?? ""),
    );
    refuse(
        "manageMasterUserPassword",
        `The local stack has no RDS-managed password: give ${names.password}.`,
        inputs.manageMasterUserPassword === true,
    );
    return failures;
}

/** Makes a server with its network looked up; it does not run yet. Resolves with its port. */
export async function makeServer(
    call: Call,
    inputs: Props,
    names: ServerNames,
    parameters: readonly Parameter[],
): Promise<number> {
    const subnetGroup = text(inputs, "dbSubnetGroupName");
    const found =
        subnetGroup === undefined ? undefined : await call.store.get(SUBNET_GROUP, subnetGroup);
    if (subnetGroup !== undefined && found === undefined) {
        throw new Error(`DBSubnetGroupNotFoundFault: there is no subnet group "${subnetGroup}".`);
    }
    const vpcId = text(found?.computed ?? {}, "vpcId");
    await checkSecurityGroups(call, texts(inputs, "vpcSecurityGroupIds"), vpcId);
    const databaseName = text(inputs, names.databaseName);
    await createRdsServer(call.stackDir, call.id, {
        major: majorOf(text(inputs, "engineVersion") ?? "17"),
        masterUsername: mustText(inputs, names.username),
        masterPassword: mustText(inputs, names.password),
        ...(databaseName === undefined ? {} : { databaseName }),
        parameters,
    });
    return (await readRecord(call.stackDir, call.id)).port;
}

/** What a kind of server is called in messages. */
export type ServerWord = "cluster" | "instance";

/**
 * Refuses a change of the major version, and every way back: RDS changes no engine to an earlier version. AWS makes a change
 * of the major version where allowMajorVersionUpgrade is set; this machine never does.
 *
 * @param actual the version that the server has
 */
export function refuseUpgrade(call: Call, word: ServerWord, actual: string, inputs: Props): void {
    const version = text(inputs, "engineVersion") ?? "17";
    const from = majorOf(actual);
    if (majorOf(version) === from && minorOf(version) < minorOf(actual)) {
        throw new Error(
            `InvalidParameterCombination: cannot upgrade ${word} "${call.id}" from ${actual} to ${version}, which is an earlier version.`,
        );
    }
    if (majorOf(version) !== from) {
        throw new Error(
            inputs.allowMajorVersionUpgrade === true
                ? `The local stack cannot upgrade ${word} "${call.id}" from PostgreSQL ${from} to ${version}: stop it and start it again.`
                : `InvalidParameterCombination: ${word} "${call.id}" needs allowMajorVersionUpgrade to go from ${from} to ${version}.`,
        );
    }
}

/** Refuses the deletion of a protected server, and of one that would leave a final snapshot without a name. */
export function refuseDeletion(call: Call, word: ServerWord, inputs: Props): void {
    if (inputs.deletionProtection === true) {
        throw new Error(
            `InvalidParameterCombination: ${word} "${call.id}" cannot be deleted while deletionProtection is true.`,
        );
    }
    if (
        inputs.skipFinalSnapshot !== true &&
        text(inputs, "finalSnapshotIdentifier") === undefined
    ) {
        const what = word === "cluster" ? "Cluster" : "Instance";
        throw new Error(
            `${what} "${call.id}" cannot be deleted: finalSnapshotIdentifier is required when skipFinalSnapshot is false.`,
        );
    }
}

/** The types of the snapshots, the inputs by which these name their servers, and AWS's word for a name that is taken. */
const SNAPSHOTS = {
    cluster: {
        type: "aws:rds/clusterSnapshot:ClusterSnapshot",
        property: "dbClusterIdentifier",
        fault: "DBClusterSnapshotAlreadyExistsFault",
    },
    instance: {
        type: "aws:rds/snapshot:Snapshot",
        property: "dbInstanceIdentifier",
        fault: "DBSnapshotAlreadyExists",
    },
} as const;

/** Remembers that a snapshot's name is taken: it outlives its server on AWS. There is nothing in it here. */
export async function takeFinalSnapshot(
    call: Call,
    word: ServerWord,
    inputs: Props,
): Promise<void> {
    const id = text(inputs, "finalSnapshotIdentifier");
    if (inputs.skipFinalSnapshot === true || id === undefined) {
        return;
    }
    const { type, property, fault } = SNAPSHOTS[word];
    if ((await call.store.get(type, id)) !== undefined) {
        throw new Error(
            `${fault}: ${word} "${call.id}" cannot be deleted: there is a snapshot "${id}" already; give another finalSnapshotIdentifier.`,
        );
    }
    await call.store.put({ type, id, urn: "", inputs: { [property]: call.id }, computed: {} });
}
