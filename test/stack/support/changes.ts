import { readFileSync } from "node:fs";
import path from "node:path";
import { PROJECT_ROOT } from "../../../local/engine/paths";
import type { Settings } from "./laptopStack";
import type { Alterations } from "./previewState";

/** What an update does to one resource for one kind of change. */
interface Change {
    /** What a person changes, a config key where there is one. */
    readonly kind: string;
    /** The end of the resource's name after the stack's prefix. */
    readonly resource: string;
    /** The input that differs; undefined where the engine names none, as where the replacement of another one asks for it. */
    readonly input?: string;
    readonly operation: "create" | "delete" | "none" | "replace" | "update";
    /** What that means while the stack runs, in the words of the page. */
    readonly effect: string;
}

/** Changes that one preview shows together, each by its own resource or input. */
export interface ChangeGroup {
    readonly settings: Settings;
    readonly alterations: Alterations;
    readonly changes: readonly Change[];
}

const RESTART = "the instance restarts";
const PAUSE = "the task is stopped, changed and resumed, and goes on where it was";
const MINUTES = "DMS changes the instance, and the task goes on after it";
const ALIVE = "nothing stops";
const ACKNOWLEDGED = "refused until `acknowledgeReplacement` names it";
const ANEW = "refused: destroy the stack and deploy it anew";

/** A certificate that is none of a laptop stack's. */
const [OTHER_AUTHORITY = ""] =
    /-----BEGIN[^]+?-----END CERTIFICATE-----\n/.exec(
        readFileSync(path.join(PROJECT_ROOT, "certs", "rds-ca-bundle.pem"), "utf8"),
    ) ?? [];

/** Everything that is changed in place, at once. */
export const IN_PLACE: ChangeGroup = {
    settings: {
        tables: ["public.orders", "public.lines", "public.shops", "public.stock"],
        groups: { billing: ["public.orders", "public.lines"], stock: ["public.stock"] },
        columns: {},
        demoTable: false,
        allowTruncate: ["public.shops"],
        audit: { instanceClass: "db.r6g.2xlarge" },
        createDmsRoles: false,
        highAvailability: true,
        deletionProtection: true,
        passwordVersion: 3,
        privateEndpoints: false,
        hostSecrets: "none",
        hostSessionLog: false,
        instanceClass: "db.r6g.xlarge",
        engineVersion: "17.8",
        backupRetentionDays: 14,
        dmsInstanceClass: "dms.t3.large",
        dmsEngineVersion: "3.6.2",
        dmsAllocatedStorage: 100,
        maxLobSizeKb: 128,
        hostInstanceType: "t3.large",
        sshCidr: "127.0.0.2/32",
        databaseUsers: {},
        databaseAccess: "ssh",
        sshHost: "nobody@127.0.0.1:1",
        sshHostKey: `SHA256:${"A".repeat(43)}`,
    },
    alterations: {
        "aws:dms/certificate:Certificate": { certificatePem: OTHER_AUTHORITY },
        "aws:dms/endpoint:Endpoint": { extraConnectionAttributes: "executeTimeout=900" },
        "aws:dms/replicationTask:ReplicationTask": { migrationType: "cdc" },
        "aws:rds/clusterParameterGroup:ClusterParameterGroup": { parameters: [] },
        "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": { tags: { Team: "a" } },
        "aws:ec2/instance:Instance": {
            ami: "ami-0fedcba9876543210",
            userData: "#!/bin/bash\n",
        },
    },
    changes: [
        {
            kind: "`instanceClass`",
            resource: "source-instance-1",
            input: "instanceClass",
            operation: "update",
            effect: RESTART,
        },
        {
            kind: "`engineVersion`, minor",
            resource: "audit-cluster",
            input: "engineVersion",
            operation: "update",
            effect: RESTART,
        },
        {
            kind: "`audit`, `sourceServer`: another class",
            resource: "audit-instance-1",
            input: "instanceClass",
            operation: "update",
            effect: RESTART,
        },
        {
            kind: "`highAvailability`",
            resource: "source-instance-2",
            operation: "create",
            effect: ALIVE,
        },
        {
            kind: "`highAvailability`",
            resource: "instance",
            input: "multiAz",
            operation: "update",
            effect: MINUTES,
        },
        {
            kind: "`deletionProtection`",
            resource: "source-cluster",
            input: "deletionProtection",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "`passwordVersion`",
            resource: "source-database-dms-version",
            input: "secretString",
            operation: "replace",
            effect: "a new version of the secret; the task is stopped, changed and resumed",
        },
        {
            kind: "`backupRetentionDays`",
            resource: "audit-cluster",
            input: "backupRetentionPeriod",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "`databaseUsers`: the first or the last login of IAM",
            resource: "audit-cluster",
            input: "iamDatabaseAuthenticationEnabled",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "a parameter of the database",
            resource: "source-parameters",
            input: "parameters",
            operation: "update",
            effect: "a static parameter holds after a restart",
        },
        {
            kind: "`dmsInstanceClass`",
            resource: "instance",
            input: "replicationInstanceClass",
            operation: "update",
            effect: MINUTES,
        },
        {
            kind: "`dmsEngineVersion`",
            resource: "instance",
            input: "engineVersion",
            operation: "update",
            effect: MINUTES,
        },
        {
            kind: "`dmsAllocatedStorage`",
            resource: "instance",
            input: "allocatedStorage",
            operation: "update",
            effect: MINUTES,
        },
        {
            kind: "`maxLobSizeKb`, other task settings",
            resource: "task",
            input: "replicationTaskSettings",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "`tables`: one comes, one leaves",
            resource: "task",
            input: "tableMappings",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "`tables`: one comes",
            resource: "audit-database-public.shops-function",
            operation: "create",
            effect: "its staging and log are made before the task is changed",
        },
        {
            kind: "`tables`: one leaves",
            resource: "audit-database-public.items-function",
            operation: "delete",
            effect: "after the task was changed; staging and log stay",
        },
        {
            kind: "`groups`: one comes",
            resource: "task-stock",
            operation: "create",
            effect: "it makes a slot of its own and loads its tables; the other tasks run on",
        },
        {
            kind: "`allowTruncate`, `allowKeyUpdates`, `sourceGuards`, `fullReplicaIdentity`",
            resource: "source-database-guards",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "`columns`",
            resource: "task-billing",
            input: "tableMappings",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "`demoTable: false`",
            resource: "source-database-items",
            operation: "delete",
            effect: "the table stays",
        },
        {
            kind: "the logs and staging tables, by any of these",
            resource: "audit-database-tables",
            operation: "update",
            effect: "scripts that keep what is there",
        },
        {
            kind: "the migration type",
            resource: "task",
            input: "migrationType",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "an endpoint's settings",
            resource: "source",
            input: "extraConnectionAttributes",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "`caBundle`",
            resource: "ca",
            input: "certificatePem",
            operation: "replace",
            effect: "the endpoints get the new certificates",
        },
        {
            kind: "`caBundle`",
            resource: "target",
            input: "certificateArn",
            operation: "update",
            effect: PAUSE,
        },
        {
            kind: "`createDmsRoles: false`",
            resource: "dms-vpc-role",
            operation: "none",
            effect: "the roles stay, as they do after a destroy",
        },
        {
            kind: "`databaseAccess`, `sshHost`, `sshHostKey`",
            resource: "audit",
            input: "databaseRoute",
            operation: "update",
            effect: "nothing stops, and no SQL runs again",
        },
        {
            kind: "tags",
            resource: "subnets",
            input: "tags",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "`privateEndpoints: false`",
            resource: "secretsmanager",
            operation: "delete",
            effect: "DMS reaches its secrets by a way of your own, or its tasks fail",
        },
        {
            kind: "`hostSecrets: none`",
            resource: "host-databases-secrets",
            operation: "delete",
            effect: ALIVE,
        },
        {
            kind: "`hostSessionLog: false`",
            resource: "host-sessions-document",
            operation: "delete",
            effect: ALIVE,
        },
        {
            kind: "`sshCidr`",
            resource: "host-ssh",
            input: "cidrIpv4",
            operation: "update",
            effect: ALIVE,
        },
        {
            kind: "`hostInstanceType`",
            resource: "host-instance",
            input: "instanceType",
            operation: "update",
            effect: "the host restarts; the trail does not need it",
        },
        {
            kind: "a newer image for the host",
            resource: "host-instance",
            input: "ami",
            operation: "none",
            effect: "the host keeps its image",
        },
        {
            kind: "another set-up of the host",
            resource: "host-instance",
            input: "userData",
            operation: "none",
            effect: "the host keeps its scripts",
        },
    ],
};

/** What would replace a server or the network, which no acknowledgement allows: the plan without the refusal. */
export const REFUSED: ChangeGroup = {
    settings: {
        databaseName: "otherdb",
        masterUsername: "other",
        vpcCidr: "10.30.0.0/16",
        kmsKeyArn: `arn:aws:kms:us-east-1:000000000000:key/${"1".repeat(36)}`,
        psqlHost: false,
        hostSecrets: "none",
        hostSessionLog: false,
        sshCidr: "",
    },
    alterations: {},
    changes: [
        {
            kind: "`databaseName`",
            resource: "audit-cluster",
            input: "databaseName",
            operation: "replace",
            effect: ANEW,
        },
        {
            kind: "`masterUsername`",
            resource: "source-cluster",
            input: "masterUsername",
            operation: "replace",
            effect: ANEW,
        },
        {
            kind: "`kmsKeyArn`",
            resource: "audit-cluster",
            input: "kmsKeyId",
            operation: "replace",
            effect: ANEW,
        },
        {
            kind: "`vpcCidr`",
            resource: "vpc",
            input: "cidrBlock",
            operation: "replace",
            effect: ANEW,
        },
        {
            kind: "`psqlHost: false`",
            resource: "host-instance",
            operation: "delete",
            effect: "the host goes with what is on its disk; the trail does not need it",
        },
    ],
};

/** What takes the place of a server or the network. The program ends before the engine has a plan. */
export const LEAVING: ChangeGroup = {
    settings: {
        source: { host: "db.example.com", cidr: "10.0.0.0/8", username: "owner" },
        sourcePassword: "of nobody",
        demoTable: false,
        audit: { kind: "rds" },
        network: {
            vpcId: "vpc-0123456789abcdef0",
            privateSubnetIds: ["subnet-0123456789abcdefa", "subnet-0123456789abcdefb"],
            hostSubnetId: "subnet-0123456789abcdef0",
        },
    },
    alterations: {},
    changes: [
        {
            kind: "`source` in the place of a new one",
            resource: "source-cluster",
            operation: "delete",
            effect: ANEW,
        },
        {
            kind: "`audit`, `sourceServer`: another kind",
            resource: "audit-cluster",
            operation: "delete",
            effect: ANEW,
        },
        {
            kind: "`network` in the place of a new one",
            resource: "vpc",
            operation: "delete",
            effect: ANEW,
        },
    ],
};

/** Config keys of which no row tells, each with the reason. */
export const WITHOUT_ROW: Readonly<Record<string, string>> = {
    accountId: "it is compared with the account of the credentials, and changes nothing",
    acknowledgeReplacement: "it lets a replacement pass, and changes nothing by itself",
    sourcePassword: "it is the login of an existing source, [which changes it](aws.md#passwords)",
};

/** What replaces something. The config names every one of these resources, so that the plan shows them all. */
export const REPLACING: ChangeGroup = {
    settings: {
        hostImage: "latest",
        keyName: "ops",
        audit: { whenDestroyed: "retain" },
        acknowledgeReplacement: ["audit-trail-local-task", "audit-trail-local-task-billing"],
    },
    alterations: {
        "aws:dms/endpoint:Endpoint": { kmsKeyArn: "arn:aws:kms:us-east-1:000000000000:key/1" },
        "aws:ec2/instance:Instance": {
            ami: "ami-0fedcba9876543210",
            userData: "#!/bin/bash\n",
        },
    },
    changes: [
        {
            kind: "an endpoint's KMS key",
            resource: "source",
            input: "kmsKeyArn",
            operation: "replace",
            effect: "the task is replaced with it",
        },
        {
            kind: "a newer image with `hostImage: latest`",
            resource: "host-instance",
            input: "ami",
            operation: "replace",
            effect: "a new host is made; the old one goes with what is on its disk",
        },
        {
            kind: "another set-up with `hostImage: latest`",
            resource: "host-instance",
            input: "userData",
            operation: "replace",
            effect: "a new host is made; the old one goes with what is on its disk",
        },
        {
            kind: "`keyName`",
            resource: "host-instance",
            input: "keyName",
            operation: "replace",
            effect: "a new host is made; the old one goes with what is on its disk",
        },
        {
            kind: "`audit`, `sourceServer`: `whenDestroyed: retain`",
            resource: "audit-cluster",
            input: "deletionProtection",
            operation: "update",
            effect: "AWS refuses to delete the server, and a destroy leaves it",
        },
        {
            kind: "an endpoint's or the DMS instance's replacement",
            resource: "task",
            operation: "replace",
            effect: ACKNOWLEDGED,
        },
    ],
};

/** The rows of the table in docs/changes.md. */
export function changeRows(): string[][] {
    const groups = [IN_PLACE, REFUSED, LEAVING, REPLACING];
    const rows = groups.flatMap(({ changes }) => changes);
    return rows.map(({ kind, resource, operation, effect }) => [
        kind,
        `\`...-${resource}\``,
        operation,
        effect,
    ]);
}
