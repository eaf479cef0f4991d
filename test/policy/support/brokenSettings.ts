import { Output } from "@pulumi/pulumi";
import { headerColumns } from "../../../policy/dms/demandedHeaders";
import { resourceCases } from "../cases";

type Inputs = Record<string, unknown>;

/** One setting that turns a good resource into one that a rule refuses. */
export interface Breakage {
    /** The rule that has to refuse the result. */
    readonly rule: string;
    /** Type token of the resources to break. */
    readonly type: string;
    /** Which resources of the type; all of them when absent. */
    readonly match?: (name: string, inputs: Inputs) => boolean;
    readonly break: (inputs: Inputs) => Inputs;
}

/** Gives inputs other values; undefined removes an input. */
const set =
    (change: Inputs) =>
    (inputs: Inputs): Inputs => ({ ...inputs, ...change });

function editText(value: unknown, change: (document: Inputs) => Inputs): unknown {
    if (Output.isInstance(value)) {
        return value.apply((text: unknown) => editText(text, change));
    }
    if (typeof value !== "string") {
        throw new Error("The input to break is no JSON text; pass the inputs of a working task.");
    }
    return JSON.stringify(change(JSON.parse(value) as Inputs));
}

const setting =
    (section: string, change: Inputs) =>
    (inputs: Inputs): Inputs => ({
        ...inputs,
        replicationTaskSettings: editText(inputs.replicationTaskSettings, (settings) => ({
            ...settings,
            [section]: { ...(settings[section] as Inputs | undefined), ...change },
        })),
    });

const mapping =
    (change: (rule: Inputs) => readonly Inputs[]) =>
    (inputs: Inputs): Inputs => ({
        ...inputs,
        tableMappings: editText(inputs.tableMappings, (document) => ({
            ...document,
            rules: (document.rules as readonly Inputs[]).flatMap(change),
        })),
    });

const parameter =
    (name: string, value: string, applyMethod = "pending-reboot") =>
    (inputs: Inputs): Inputs => {
        const given = (inputs.parameters ?? []) as readonly { readonly name: string }[];
        const others = given.filter((one) => one.name !== name);
        return { ...inputs, parameters: [...others, { name, value, applyMethod }] };
    };

const postgresSetting =
    (change: Inputs) =>
    (inputs: Inputs): Inputs => ({
        ...inputs,
        postgresSettings: { ...(inputs.postgresSettings as Inputs | undefined), ...change },
    });

const CLUSTER = "aws:rds/cluster:Cluster";
const CLUSTER_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup";
const ENDPOINT = "aws:dms/endpoint:Endpoint";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const SECRET = "aws:secretsmanager/secret:Secret";
const TASK = "aws:dms/replicationTask:ReplicationTask";

const isSource = (_name: string, inputs: Inputs): boolean => inputs.endpointType === "source";
const fromGroup = (_name: string, inputs: Inputs): boolean =>
    inputs.referencedSecurityGroupId !== undefined;
const fromNetwork = (_name: string, inputs: Inputs): boolean => inputs.cidrIpv4 !== undefined;

const EVERYBODY = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
        { Effect: "Allow", Principal: "*", Action: "secretsmanager:GetSecretValue", Resource: "*" },
    ],
});

/**
 * Rules that no changed input of the project's program breaks: they are about types that it does not have, about further
 * resources, or about what the dev stack is excused from.
 */
export const withoutBreakage: readonly string[] = [
    "rds-snapshots-private",
    "secrets-parameter-encrypted",
    "ssm-documents-private",
    "ssm-sessions-logged",
    // The good stack of these tests is no whole one; mutation.spec.ts breaks each of its inputs.
    "inputs-known",
    "stack-one-task-per-staging",
    "stack-one-trail",
    "stack-trail-protected",
    "stack-secret-readers",
    "stack-private-subnets",
    "stack-buckets-closed",
    "stack-known-types",
];

/** Those that are more than other values of inputs, or more than one for their rule. */
const written: readonly Breakage[] = [
    {
        rule: "rds-logical-replication-on",
        type: CLUSTER_GROUP,
        break: parameter("rds.logical_replication", "0"),
    },
    {
        rule: "rds-logical-replication-on",
        type: CLUSTER_GROUP,
        break: parameter("rds.logical_replication", "1", "immediate"),
    },
    {
        rule: "rds-wal-sender-timeout",
        type: CLUSTER_GROUP,
        break: parameter("wal_sender_timeout", "5000"),
    },
    {
        rule: "rds-synchronous-commit-on",
        type: CLUSTER_GROUP,
        break: parameter("synchronous_commit", "off"),
    },
    ...Object.entries({
        session_replication_role: "replica",
        max_slot_wal_keep_size: "10",
        statement_timeout: "1000",
        ssl_min_protocol_version: "TLSv1",
    }).map(([name, value]): Breakage => ({
        rule: "rds-parameters-known",
        type: CLUSTER_GROUP,
        break: parameter(name, value),
    })),
    { rule: "rds-tls-forced", type: CLUSTER_GROUP, break: parameter("rds.force_ssl", "0") },
    {
        rule: "dms-endpoint-secret",
        type: ENDPOINT,
        break: set({
            secretsManagerArn: undefined,
            secretsManagerAccessRoleArn: undefined,
            serverName: "database.example.internal",
            port: 5432,
            username: "dms",
            password: "not-a-real-one",
        }),
    },
    {
        rule: "dms-endpoint-secret",
        type: ENDPOINT,
        break: set({ extraConnectionAttributes: "password=not-a-real-one" }),
    },
    {
        rule: "dms-endpoint-runs-no-script",
        type: ENDPOINT,
        break: set({
            extraConnectionAttributes: "afterConnectScript=SET session_replication_role='replica'",
        }),
    },
    {
        rule: "dms-source-writes-no-ddl",
        type: ENDPOINT,
        match: isSource,
        break: postgresSetting({ captureDdls: true }),
    },
    {
        rule: "dms-source-fails-on-truncation",
        type: ENDPOINT,
        match: isSource,
        break: postgresSetting({ failTasksOnLobTruncation: false }),
    },
    ...[
        { pluginName: "pglogical" },
        { heartbeatEnable: false },
        { mapBooleanAsBoolean: false },
        { somethingNew: "1" },
    ].map((change): Breakage => ({
        rule: "dms-endpoint-settings-known",
        type: ENDPOINT,
        match: isSource,
        break: postgresSetting(change),
    })),
    {
        rule: "dms-task-keeps-staging",
        type: TASK,
        break: setting("FullLoadSettings", { TargetTablePrepMode: "DROP_AND_CREATE" }),
    },
    {
        rule: "dms-task-applies-each-change",
        type: TASK,
        break: setting("TargetMetadata", { BatchApplyEnabled: true }),
    },
    {
        rule: "dms-task-survives-source-ddl",
        type: TASK,
        break: setting("ChangeProcessingDdlHandlingPolicy", { HandleSourceTableDropped: true }),
    },
    {
        rule: "dms-task-survives-source-ddl",
        type: TASK,
        break: setting("ChangeProcessingDdlHandlingPolicy", { HandleSourceTableTruncated: true }),
    },
    {
        rule: "dms-task-loses-no-change",
        type: TASK,
        break: setting("ErrorBehavior", { ApplyErrorInsertPolicy: "LOG_ERROR" }),
    },
    {
        rule: "dms-task-no-log-group-keys",
        type: TASK,
        break: setting("Logging", { CloudWatchLogGroup: null }),
    },
    { rule: "dms-task-logged", type: TASK, break: setting("Logging", { EnableLogging: false }) },
    ...[
        setting("TargetMetadata", { SupportLobs: false }),
        setting("FullLoadSettings", { StopTaskCachedChangesApplied: true }),
        setting("ErrorBehavior", { DataErrorEscalationPolicy: "SUSPEND_TABLE" }),
        setting("ErrorBehavior", { SomethingNew: true }),
    ].map((change): Breakage => ({
        rule: "dms-task-settings-known",
        type: TASK,
        break: change,
    })),
    ...[
        { "rule-action": "add-column", value: "price", expression: "0" },
        { "rule-action": "remove-column" },
        { "rule-action": "change-data-type", "data-type": { type: "string" } },
    ].map((change): Breakage => ({
        rule: "dms-mapping-rules-known",
        type: TASK,
        break: mapping((rule) =>
            rule["rule-id"] === "2"
                ? [
                      rule,
                      {
                          ...rule,
                          "rule-id": "9999",
                          "rule-name": "9999",
                          "rule-target": "column",
                          "object-locator": {
                              ...(rule["object-locator"] as Inputs),
                              "column-name": "price",
                          },
                          ...change,
                      },
                  ]
                : [rule],
        ),
    })),
    {
        // As the program writes it, for a column that nobody excluded.
        rule: "stack-removed-columns-chosen",
        type: TASK,
        break: mapping((rule) => {
            const rest = { ...rule, value: undefined };
            return rule["rule-id"] === "2"
                ? [
                      rule,
                      {
                          ...rest,
                          "rule-id": "9999",
                          "rule-name": "9999",
                          "rule-action": "remove-column",
                          "rule-target": "column",
                          "object-locator": {
                              ...(rule["object-locator"] as Inputs),
                              "column-name": "price",
                          },
                      },
                  ]
                : [rule];
        }),
    },
    {
        rule: "dms-mapping-rules-known",
        type: TASK,
        break: mapping((rule) =>
            rule["rule-type"] === "selection"
                ? [{ ...rule, filters: [{ "filter-type": "source", "column-name": "item_id" }] }]
                : [rule],
        ),
    },
    {
        rule: "dms-mapping-explicit-tables",
        type: TASK,
        break: mapping((rule) => [
            rule["rule-type"] === "selection" ? { ...rule, "rule-action": "include" } : rule,
        ]),
    },
    ...headerColumns.map(({ name }): Breakage => ({
        rule: "dms-mapping-header-columns",
        type: TASK,
        break: mapping((rule) => (rule.value === name ? [] : [rule])),
    })),
    {
        rule: "dms-mapping-header-columns",
        type: TASK,
        break: mapping((rule) => [
            rule.value === "audit_trail_operation"
                ? { ...rule, expression: "$AR_H_OPERATION" }
                : rule,
        ]),
    },
    {
        rule: "dms-mapping-staging-names",
        type: TASK,
        break: mapping((rule) => (rule["rule-action"] === "rename" ? [] : [rule])),
    },
    // The first one is for every rule: a stack that Session Manager reaches has none from a network.
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: INGRESS,
        break: set({ cidrIpv4: "0.0.0.0/0", referencedSecurityGroupId: undefined }),
    },
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: INGRESS,
        match: fromNetwork,
        break: set({ cidrIpv4: "0.0.0.0/0" }),
    },
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: INGRESS,
        match: fromNetwork,
        break: set({ cidrIpv4: undefined, cidrIpv6: "::/0" }),
    },
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: GROUP,
        break: set({
            ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["0.0.0.0/0"] }],
        }),
    },
    {
        rule: "vpc-standalone-rules-only",
        type: GROUP,
        break: set({ ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22, self: true }] }),
    },
    { rule: "secrets-not-public", type: SECRET, break: set({ policy: EVERYBODY }) },
    {
        rule: "iam-policies-narrow",
        type: "aws:iam/rolePolicy:RolePolicy",
        break: set({
            policy: JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
            }),
        }),
    },
    {
        rule: "iam-managed-policies-known",
        type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        break: set({ policyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }),
    },
    {
        rule: "iam-roles-trust-services",
        type: "aws:iam/role:Role",
        break: set({
            assumeRolePolicy: JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }],
            }),
        }),
    },
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: INGRESS,
        match: fromNetwork,
        break: set({ cidrIpv4: undefined, prefixListId: "pl-0123456789abcdef0" }),
    },
    {
        rule: "stack-parameter-family",
        type: CLUSTER_GROUP,
        match: (name) => name.includes("audit"),
        break: set({ family: "aurora-postgresql15" }),
    },
    {
        rule: "stack-kms-key-everywhere",
        type: CLUSTER,
        match: (name) => name.includes("audit"),
        break: set({ kmsKeyId: "arn:aws:kms:us-east-1:123456789012:key/0123abcd" }),
    },
    {
        rule: "stack-source-replicates-logically",
        type: CLUSTER,
        match: (name) => name.includes("source"),
        break: set({ dbClusterParameterGroupName: "default.aurora-postgresql17" }),
    },
    {
        rule: "stack-trail-apart-from-source",
        type: TASK,
        break: (inputs) => ({ ...inputs, targetEndpointArn: inputs.sourceEndpointArn }),
    },
    {
        rule: "stack-task-endpoint-directions",
        type: TASK,
        break: (inputs) => ({
            ...inputs,
            sourceEndpointArn: inputs.targetEndpointArn,
            targetEndpointArn: inputs.sourceEndpointArn,
        }),
    },
    {
        rule: "stack-database-ingress-from-groups",
        type: INGRESS,
        match: fromGroup,
        break: set({ referencedSecurityGroupId: undefined, cidrIpv4: "10.0.0.0/16" }),
    },
];

/** For every other rule about single resources, the first inputs that its cases say it refuses. */
const fromCases: readonly Breakage[] = resourceCases
    .filter(({ rule }, at) => resourceCases.findIndex((one) => one.rule === rule) === at)
    .filter(({ rule }) => !withoutBreakage.includes(rule))
    .filter(({ rule }) => !written.some((one) => one.rule === rule))
    .map(({ rule, type, fail: [inputs = {}] }) => ({ rule, type, break: set({ ...inputs }) }));

/**
 * Ways to break a good program one setting at a time: at least one for every rule whose resource types such a program
 * has. Inputs may hold outputs; what a breakage reads must be a plain text or an output of one.
 *
 * Under the engine, apply them with `pulumi.runtime.registerStackTransformation`, before inputs are sent: after a
 * `registerResourceTransform` the engine goes on telling policies what the property was made from before. The engine
 * asks rules about the stack only when no resource was refused, so a breakage of theirs needs a preview of its own.
 */
export const breakages: readonly Breakage[] = [...written, ...fromCases];
