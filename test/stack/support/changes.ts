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

/** Everything that is changed in place, at once. */
export const IN_PLACE: ChangeGroup = {
    settings: {
        tables: ["public.orders", "public.lines"],
        groups: { billing: ["public.lines"] },
        demoTable: false,
        allowTruncate: ["public.orders"],
        audit: { instanceClass: "db.r6g.2xlarge" },
        highAvailability: true,
        deletionProtection: true,
        passwordVersion: 2,
        privateEndpoints: false,
        hostSecrets: "master",
        hostSessionLog: true,
        instanceClass: "db.r6g.xlarge",
        engineVersion: "17.8",
        backupRetentionDays: 14,
        dmsInstanceClass: "dms.t3.large",
        dmsEngineVersion: "3.6.2",
        dmsAllocatedStorage: 100,
        maxLobSizeKb: 128,
        hostInstanceType: "t3.large",
        sshCidr: "127.0.0.2/32",
        databaseUsers: { jane: { role: "auditor", authentication: "iam" } },
    },
    alterations: {
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
            kind: "`databaseUsers`: a login of IAM",
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
            resource: "audit-database-public.orders-function",
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
            resource: "task-billing",
            operation: "create",
            effect: "it makes a slot of its own and loads its tables; the other tasks run on",
        },
        {
            kind: "`allowTruncate` and what else is about guards",
            resource: "source-database-guards",
            operation: "update",
            effect: ALIVE,
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
            kind: "`hostSecrets`",
            resource: "host-databases-secrets",
            operation: "create",
            effect: ALIVE,
        },
        {
            kind: "`hostSessionLog`",
            resource: "host-sessions-document",
            operation: "create",
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

/** What would replace a server or the network, which no acknowledgement allows. A preview shows the first one it comes to. */
export const REFUSED: readonly (Pick<ChangeGroup, "settings"> & {
    readonly changes: readonly Change[];
})[] = [
    {
        settings: { databaseName: "otherdb", masterUsername: "other" },
        changes: [
            {
                kind: "`databaseName`",
                resource: "audit-cluster",
                operation: "replace",
                effect: ANEW,
            },
            {
                kind: "`masterUsername`",
                resource: "source-cluster",
                operation: "replace",
                effect: ANEW,
            },
        ],
    },
    {
        settings: { vpcCidr: "10.30.0.0/16" },
        changes: [{ kind: "`vpcCidr`", resource: "vpc", operation: "replace", effect: ANEW }],
    },
];

/** What replaces something. The config names every one of these resources, so that the plan shows them all. */
export const REPLACING: ChangeGroup = {
    settings: {
        hostImage: "latest",
        keyName: "ops",
        acknowledgeReplacement: ["audit-trail-local-task"],
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
            kind: "an endpoint's or the DMS instance's replacement",
            resource: "task",
            operation: "replace",
            effect: ACKNOWLEDGED,
        },
    ],
};

/** The rows of the table in docs/changes.md. */
export function changeRows(): string[][] {
    const refused = REFUSED.flatMap(({ changes }) => changes);
    const rows = [...IN_PLACE.changes, ...refused, ...REPLACING.changes];
    return rows.map(({ kind, resource, operation, effect }) => [
        kind,
        `\`...-${resource}\``,
        operation,
        effect,
    ]);
}
