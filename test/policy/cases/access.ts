import type { Values } from "../../../policy/engine/values";
import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const document = (statement: unknown): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: statement });

const allow = (action: unknown, resource: unknown): Values => ({
    policy: document([{ Effect: "Allow", Action: action, Resource: resource }]),
});

const trust = (principal: unknown, more: Values = {}): Values => ({
    assumeRolePolicy: document({
        Effect: "Allow",
        Principal: principal,
        Action: "sts:AssumeRole",
        ...more,
    }),
});

const AWS = "arn:aws:iam::aws:policy/";

/** Cases of the rules about rights: IAM, shared snapshots, database roles. */
export const accessCases: readonly ResourceCases[] = [
    ...(
        [
            "aws:iam/policy:Policy",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:iam/userPolicy:UserPolicy",
            "aws:iam/groupPolicy:GroupPolicy",
        ] as const
    ).map((type): ResourceCases => ({
        rule: "iam-policies-narrow",
        type,
        base: {},
        pass: [
            allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:a:1:secret:trail-1"),
            // The six characters that Secrets Manager adds to a name.
            allow(
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:a:1:secret:trail-??????",
            ),
            allow(["ec2:DescribeInstances", "logs:Describe*"], "*"),
            { policy: document({ Effect: "Deny", Action: "*", Resource: "*" }) },
        ],
        fail: [
            allow("*", "*"),
            allow("*:*", "*"),
            allow("rds:*", "arn:aws:rds:a:1:cluster:trail"),
            allow(["logs:PutLogEvents", "secretsmanager:Get*"], "arn:aws:secretsmanager:a:1:s"),
            allow(
                ["rds:DescribeDBClusters", "secretsmanager:Get*"],
                "arn:aws:secretsmanager:a:1:secret:trail-*",
            ),
            allow("secretsmanager:GetSecretValu?", "arn:aws:secretsmanager:a:1:secret:trail-1"),
            allow("logs:?*", "arn:aws:logs:a:1:log-group:trail"),
            allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:a:1:secret:?*"),
            // The names of the stack's secrets begin with its own, so that this names them all.
            allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:a:1:secret:trail-*"),
            allow("rds-db:connect", "arn:aws:rds-db:a:1:dbuser:cluster-1/post*"),
            allow("secretsmanager:GetSecretValue", "*"),
            allow("SecretsManager:GetSecretValue", "arn:aws:secretsmanager:a:1:secret:*"),
            allow("kms:Decrypt", ["arn:aws:kms:a:1:key/1", "*"]),
            allow("iam:PassRole", "arn:aws:iam::1:role/*"),
            { policy: document({ Effect: "Allow", NotAction: "iam:*", Resource: "*" }) },
            { policy: document({ Action: "*", Resource: "*" }) },
            { policy: "no JSON" },
        ],
        absent: [[{}, "passed"]],
        unknown: [[{ policy: UNKNOWN }, "undecided"]],
        wrongType: [{ policy: 1 }, { policy: { Statement: [] } }, { policy: document("all") }],
    })),
    ...(
        [
            "aws:iam/policyAttachment:PolicyAttachment",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/userPolicyAttachment:UserPolicyAttachment",
            "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
        ] as const
    ).map((type): ResourceCases => ({
        rule: "iam-managed-policies-known",
        type,
        base: { policyArn: `${AWS}AmazonSSMManagedInstanceCore` },
        pass: [
            { policyArn: `${AWS}service-role/AmazonDMSVPCManagementRole` },
            { policyArn: "arn:aws-cn:iam::aws:policy/AmazonSSMManagedInstanceCore" },
            { policyArn: "arn:aws:iam::000000000000:policy/own" },
        ],
        fail: [
            { policyArn: `${AWS}AdministratorAccess` },
            { policyArn: `${AWS}SecretsManagerReadWrite` },
            { policyArn: `${AWS}AmazonRDSFullAccess` },
            { policyArn: "" },
        ],
        absent: [[{ policyArn: undefined }, "refused"]],
        unknown: [[{ policyArn: UNKNOWN }, "undecided"]],
        wrongType: [{ policyArn: 1 }, { policyArn: [`${AWS}AdministratorAccess`] }],
    })),
    {
        rule: "iam-roles-trust-services",
        type: "aws:iam/role:Role",
        pass: [
            trust({ Service: "ec2.amazonaws.com" }),
            trust(
                { Service: ["dms.amazonaws.com", "dms.eu-central-1.amazonaws.com"] },
                { Condition: { StringEquals: { "aws:SourceAccount": "000000000000" } } },
            ),
            trust({ AWS: "arn:aws:iam::000000000000:role/operator" }),
            { inlinePolicies: [], managedPolicyArns: [] },
        ],
        fail: [
            trust("*"),
            trust({ AWS: "*" }),
            trust({ AWS: "arn:aws:iam::*:root" }),
            trust({ AWS: "*" }, { Condition: { StringLike: { "aws:PrincipalArn": "*" } } }),
            trust({ Service: "lambda.amazonaws.com" }),
            trust({ Service: "dms.amazonaws.com" }),
            trust(
                { Service: "dms.amazonaws.com" },
                { Condition: { StringLike: { "aws:SourceAccount": "*" } } },
            ),
            trust({ Service: "ec2.amazonaws.com" }, { Action: "*" }),
            trust({ Service: "ec2.amazonaws.com" }, { Effect: "allow" }),
            trust({ Service: "ec2.amazonaws.com" }, { Surprise: true }),
            trust({ Service: "ec2.amazonaws.com.evil.example" }),
            trust(undefined),
            trust(undefined, { NotPrincipal: { AWS: "arn:aws:iam::1:root" } }),
            { inlinePolicies: [{ name: "all", policy: document([]) }] },
            { managedPolicyArns: [`${AWS}AdministratorAccess`] },
            { managedPolicyArns: UNKNOWN },
        ],
        absent: [[{ assumeRolePolicy: undefined }, "refused"]],
        unknown: [[{ assumeRolePolicy: UNKNOWN }, "undecided"]],
        wrongType: [{ assumeRolePolicy: 1 }, { assumeRolePolicy: {} }, { inlinePolicies: "all" }],
    },
    ...(
        [
            "aws:rds/clusterSnapshot:ClusterSnapshot",
            "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy",
            "aws:rds/snapshot:Snapshot",
            "aws:rds/snapshotCopy:SnapshotCopy",
        ] as const
    ).map((type): ResourceCases => ({
        rule: "rds-snapshots-private",
        type,
        base: {},
        pass: [{ sharedAccounts: [] }],
        fail: [{ sharedAccounts: ["all"] }, { sharedAccounts: ["000000000000"] }],
        absent: [[{}, "passed"]],
        unknown: [
            [{ sharedAccounts: UNKNOWN }, "undecided"],
            [{ sharedAccounts: [UNKNOWN, "all"] }, "refused"],
        ],
        wrongType: [{ sharedAccounts: "all" }, { sharedAccounts: [1] }],
    })),
    {
        rule: "postgresql-roles-limited",
        type: "postgresql:index/role:Role",
        base: { name: "audit_trail_dms_target", login: true },
        pass: [
            { superuser: false, createRole: false, roles: [] },
            { name: "alice", login: true, roles: ["audit_trail_auditor"] },
            { name: "audit_trail_operator", login: false, roles: ["audit_trail_auditor"] },
        ],
        fail: [
            { superuser: true },
            { createRole: true },
            { createDatabase: true },
            { replication: true },
            { bypassRowLevelSecurity: true },
            { roles: ["rds_superuser"] },
            { roles: ["audit_trail_owner"] },
            { name: "alice", roles: ["pg_write_all_data"] },
            { name: "audit_trail_owner", login: true },
            { name: "audit_trail_dms_target", login: false },
            { assumeRole: "postgres" },
        ],
        absent: [
            [{ login: undefined }, "refused"],
            [{ name: "audit_trail_owner", login: undefined }, "passed"],
        ],
        unknown: [
            [{ superuser: UNKNOWN }, "undecided"],
            [{ roles: UNKNOWN }, "undecided"],
            [{ roles: [UNKNOWN] }, "undecided"],
            [{ name: UNKNOWN, roles: ["rds_superuser"] }, "refused"],
        ],
        wrongType: [{ superuser: "false" }, { login: "true" }, { roles: "rds_superuser" }],
    },
];
