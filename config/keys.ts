import type { TableChoices } from "../trail/columnChoices";
import type { TableName } from "../trail/tableDefinition";

/** How the program reaches the private databases. Only directly today: from a machine inside the network. */
interface DatabaseAccess {
    readonly kind: "direct";
}

/** The settings of one stack, read once and checked. */
export interface Config {
    /** Aurora PostgreSQL version of both clusters, for example "17.7". */
    readonly engineVersion: string;
    /** Name of the database on both clusters. */
    readonly databaseName: string;
    readonly masterUsername: string;
    /** The audited tables, at least one. */
    readonly tables: readonly TableName[];
    /** What the trail does with single columns: leave them out, keep their text, rely on a limit. */
    readonly columns: readonly TableChoices[];
    /** Whether to create `public.items` in the source database. */
    readonly demoTable: boolean;
    /** Whether TRUNCATE and key updates of the audited tables are guarded by triggers on the source. */
    readonly sourceGuards: boolean;
    /** Tables whose TRUNCATE is recorded as a gap instead of refused. */
    readonly allowTruncate: readonly TableName[];
    /** Tables whose primary-key updates are recorded as gaps instead of refused. */
    readonly allowKeyUpdates: readonly TableName[];
    /** Tables that get REPLICA IDENTITY FULL; the trail does not need it, and it costs WAL. */
    readonly fullReplicaIdentity: readonly TableName[];
    /** Largest large object in KB that is copied whole. */
    readonly maxLobSizeKb: number;
    /** Class of the Aurora instances. */
    readonly instanceClass: string;
    readonly vpcCidr: string;
    /** The network that may reach the psql host by SSH. */
    readonly sshCidr: string;
    readonly hostInstanceType: string;
    /** EC2 key pair of the psql host, if SSH is wanted. */
    readonly keyName: string | undefined;
    readonly dmsInstanceClass: string;
    readonly dmsEngineVersion: string;
    /** In GB. */
    readonly dmsAllocatedStorage: number;
    /** Whether this stack creates the account-wide DMS roles. */
    readonly createDmsRoles: boolean;
    /** Whether to create the VPC endpoints that DMS needs. */
    readonly privateEndpoints: boolean;
    readonly databaseAccess: DatabaseAccess;
    readonly deletionProtection: boolean;
    readonly backupRetentionDays: number;
    /** Path of a PEM file, relative to the project folder. */
    readonly caBundle: string;
}

/**
 * What a key means when it is not set. The same values stand in the `config:` schema of Pulumi.yaml, where the CLI
 * reads them; they are needed here because an inline program (laptop stack, tests) has no such schema.
 * `undefined` is a key that must be set.
 */
export const defaults: Readonly<Record<keyof Config, string | undefined>> = {
    engineVersion: "17.7",
    databaseName: "appdb",
    masterUsername: "postgres",
    tables: undefined,
    columns: "{}",
    demoTable: "false",
    sourceGuards: "true",
    allowTruncate: "[]",
    allowKeyUpdates: "[]",
    fullReplicaIdentity: "[]",
    maxLobSizeKb: "64",
    instanceClass: "db.r6g.large",
    vpcCidr: "10.20.0.0/16",
    sshCidr: undefined,
    hostInstanceType: "t3.medium",
    keyName: "",
    dmsInstanceClass: "dms.t3.medium",
    dmsEngineVersion: "3.6.1",
    dmsAllocatedStorage: "50",
    createDmsRoles: "true",
    privateEndpoints: "true",
    databaseAccess: "direct",
    deletionProtection: "true",
    backupRetentionDays: "7",
    caBundle: "certs/rds-ca-bundle.pem",
};
