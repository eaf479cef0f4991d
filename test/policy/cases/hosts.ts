import { sessionDocument } from "../../../components/network/hostSessionLog";
import type { Values } from "../../../policy/engine/values";
import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const HOST = "aws:ec2/instance:Instance";
const DOCUMENT = "aws:ssm/document:Document";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

const policy = (statement: unknown): Values => ({
    policy: JSON.stringify({ Version: "2012-10-17", Statement: statement }),
});

const session = (inputs: Values): Values => {
    const whole = sessionDocument("/sessions", true) as { inputs: Values };
    return { content: JSON.stringify({ ...whole, inputs: { ...whole.inputs, ...inputs } }) };
};

const TLS_ONLY = {
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: ["arn:aws:s3:::a", "arn:aws:s3:::a/*"],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
} as const;

/** Cases of the rules about hosts, networks and secrets. */
export const hostCases: readonly ResourceCases[] = [
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: INGRESS,
        pass: [
            { cidrIpv4: "203.0.113.7/32" },
            { cidrIpv4: "10.0.0.0/8" },
            { cidrIpv6: "2001:db8::/32" },
        ],
        fail: [
            { cidrIpv4: "0.0.0.0/0" },
            { cidrIpv4: "10.1.2.3/0" },
            { cidrIpv4: "128.0.0.0/1" },
            { cidrIpv6: "::/0" },
            { cidrIpv6: "0::0/0" },
            { cidrIpv6: "2000::/3" },
            { cidrIpv4: "anywhere" },
            { cidrIpv4: "203.0.113.7" },
            { prefixListId: "pl-0123456789abcdef0" },
            { fromPort: 0, toPort: 65_535 },
        ],
        absent: [
            [{ fromPort: undefined, toPort: undefined }, "refused"],
            [{ cidrIpv4: undefined, cidrIpv6: undefined, prefixListId: undefined }, "passed"],
            [{ prefixListId: "" }, "passed"],
        ],
        unknown: [
            [{ cidrIpv4: UNKNOWN }, "undecided"],
            [{ prefixListId: UNKNOWN }, "undecided"],
            [{ fromPort: UNKNOWN }, "undecided"],
            [{ cidrIpv4: UNKNOWN, cidrIpv6: "::/0" }, "refused"],
        ],
        wrongType: [{ cidrIpv4: 0 }, { cidrIpv6: ["::/0"] }, { prefixListId: 1 }],
    },
    {
        rule: "vpc-no-ingress-from-anywhere",
        type: "aws:ec2/securityGroupRule:SecurityGroupRule",
        base: { type: "ingress", protocol: "tcp", fromPort: 5432, toPort: 5432 },
        pass: [
            { cidrBlocks: ["203.0.113.0/24"] },
            { type: "egress", cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
        ],
        fail: [
            { cidrBlocks: ["203.0.113.0/24", "0.0.0.0/0"] },
            { ipv6CidrBlocks: ["::/0"] },
            { type: undefined, cidrBlocks: ["0.0.0.0/0"] },
            { prefixListIds: ["pl-0123456789abcdef0"] },
        ],
        absent: [[{}, "passed"]],
        unknown: [
            [{ cidrBlocks: UNKNOWN }, "undecided"],
            [{ cidrBlocks: [UNKNOWN, "0.0.0.0/0"] }, "refused"],
        ],
        wrongType: [{ cidrBlocks: "203.0.113.0/24" }, { ipv6CidrBlocks: [1] }],
    },
    ...(
        [
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        ] as const
    ).map((type): ResourceCases => ({
        rule: "vpc-no-ingress-from-anywhere",
        type,
        pass: [{ ingress: [{ cidrBlocks: ["203.0.113.0/24"] }, { self: true }] }],
        fail: [
            { ingress: [{ self: true }, { cidrBlocks: ["0.0.0.0/0"] }] },
            { ingress: [{ ipv6CidrBlocks: ["::/0"] }] },
            { ingress: [{ prefixListIds: ["pl-0123456789abcdef0"] }] },
        ],
        absent: [[{ ingress: undefined }, "passed"]],
        unknown: [
            [{ ingress: UNKNOWN }, "undecided"],
            [{ ingress: [UNKNOWN] }, "undecided"],
            [{ ingress: [UNKNOWN, { cidrBlocks: ["0.0.0.0/0"] }] }, "refused"],
        ],
        wrongType: [
            { ingress: "0.0.0.0/0" },
            { ingress: ["0.0.0.0/0"] },
            { ingress: [{ cidrBlocks: "0.0.0.0/0" }] },
        ],
    })),
    {
        rule: "vpc-standalone-rules-only",
        type: "aws:ec2/securityGroup:SecurityGroup",
        pass: [{ ingress: [], egress: [] }],
        fail: [{ ingress: [{ self: true }] }, { egress: [{ cidrBlocks: ["10.0.0.0/16"] }] }],
        absent: [[{ ingress: undefined, egress: undefined }, "passed"]],
        unknown: [
            [{ ingress: UNKNOWN }, "undecided"],
            [{ ingress: UNKNOWN, egress: [{ self: true }] }, "refused"],
        ],
        wrongType: [{ ingress: "all" }, { egress: {} }],
    },
    {
        rule: "vpc-standalone-rules-only",
        type: "aws:ec2/securityGroupRule:SecurityGroupRule",
        base: { type: "ingress" },
        pass: [],
        fail: [{}, { type: "egress" }],
        absent: [[{ type: undefined }, "refused"]],
        unknown: [[{ type: UNKNOWN }, "refused"]],
        wrongType: [{ type: 1 }],
    },
    {
        rule: "ec2-volumes-encrypted",
        type: HOST,
        pass: [{ ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: true }] }],
        fail: [
            { rootBlockDevice: { encrypted: false } },
            { ebsBlockDevices: [{ encrypted: true }, { encrypted: false }] },
            { ebsBlockDevices: [{ deviceName: "/dev/sdb" }] },
        ],
        absent: [
            [{ rootBlockDevice: undefined }, "refused"],
            [{ rootBlockDevice: {} }, "refused"],
            [{ ebsBlockDevices: undefined }, "passed"],
        ],
        unknown: [
            [{ rootBlockDevice: UNKNOWN }, "undecided"],
            [{ rootBlockDevice: { encrypted: UNKNOWN } }, "undecided"],
            [{ rootBlockDevice: UNKNOWN, ebsBlockDevices: [{ encrypted: false }] }, "refused"],
        ],
        wrongType: [
            { rootBlockDevice: true },
            { rootBlockDevice: { encrypted: "true" } },
            { ebsBlockDevices: "encrypted" },
            { ebsBlockDevices: [true] },
        ],
    },
    ...([HOST, "aws:ec2/launchTemplate:LaunchTemplate"] as const).map((type): ResourceCases => ({
        rule: "ec2-imdsv2-only",
        type,
        base: { metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 } },
        pass: [{ metadataOptions: { httpTokens: "required" } }],
        fail: [
            { metadataOptions: { httpTokens: "optional" } },
            { metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 2 } },
        ],
        absent: [
            [{ metadataOptions: undefined }, "refused"],
            [{ metadataOptions: {} }, "refused"],
        ],
        unknown: [
            [{ metadataOptions: UNKNOWN }, "undecided"],
            [{ metadataOptions: { httpTokens: UNKNOWN, httpPutResponseHopLimit: 2 } }, "refused"],
        ],
        wrongType: [
            { metadataOptions: "required" },
            { metadataOptions: { httpTokens: true } },
            { metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: "1" } },
        ],
    })),
    {
        rule: "ec2-user-data-without-secrets",
        type: HOST,
        pass: [
            { userData: "TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)\n" },
            { userData: "aws secretsmanager get-secret-value --secret-id trail/source" },
            { userData: 'export PGPASSWORD="${password}"' },
            { userData: 'psql "host=db.example port=5432 user=auditor sslmode=verify-full"' },
            { userData: 'psql "postgresql://auditor@db.example/postgres"' },
        ],
        fail: [
            { userData: "export PGPASSWORD=hunter2" },
            { userData: 'export PGPASSWORD="hunter2"' },
            { userData: "db_password: hunter2" },
            { userData: '{"apiKey": "abc"}' },
            { userData: "mysqldump --password hunter2" },
            { userData: "psql postgres://master:hunter2@db.example/postgres" },
            { userData: "ALTER ROLE dms PASSWORD 'hunter2'" },
            { userData: "-----BEGIN RSA PRIVATE KEY-----" },
            { userData: "aws configure set aws_access_key_id AKIAABCDEFGHIJKLMNOP" },
            { userDataBase64: Buffer.from("PGPASSWORD=hunter2").toString("base64") },
        ],
        absent: [[{ userData: undefined }, "passed"]],
        unknown: [
            [{ userData: UNKNOWN }, "undecided"],
            [{ userData: UNKNOWN, userDataBase64: "UEdQQVNTV09SRD1odW50ZXIy" }, "refused"],
        ],
        wrongType: [{ userData: 1 }, { userDataBase64: ["a"] }],
    },
    {
        rule: "ec2-user-data-without-secrets",
        type: "aws:ec2/launchTemplate:LaunchTemplate",
        base: {},
        pass: [{ userData: Buffer.from("dnf update").toString("base64") }],
        fail: [{ userData: Buffer.from("PGPASSWORD=hunter2").toString("base64") }],
        absent: [[{}, "passed"]],
        unknown: [[{ userData: UNKNOWN }, "undecided"]],
        wrongType: [{ userData: {} }],
    },
    ...(
        [
            "aws:secretsmanager/secret:Secret",
            "aws:secretsmanager/secretPolicy:SecretPolicy",
        ] as const
    ).map((type): ResourceCases => ({
        rule: "secrets-not-public",
        type,
        base: {},
        pass: [
            policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:role/dms" } }]),
            policy({ Effect: "Deny", Principal: "*", Action: "*", Resource: "*" }),
            { policy: "{}" },
        ],
        fail: [
            policy({ Effect: "Allow", Principal: "*" }),
            policy([
                {
                    Effect: "Allow",
                    Principal: "*",
                    Condition: { StringLike: { "aws:PrincipalArn": "*" } },
                },
            ]),
            policy({ Effect: "Allow", Principal: { AWS: "arn:aws:iam::*:root" } }),
            policy({ Effect: "Allow" }),
            policy([{ Effect: "Deny", Principal: "*" }, { Principal: { AWS: ["*"] } }]),
            policy([{ Effect: "Allow", NotPrincipal: { AWS: "arn:aws:iam::1:root" } }]),
            { policy: "no JSON" },
            { policy: "[]" },
        ],
        absent: [[{}, "passed"]],
        unknown: [[{ policy: UNKNOWN }, "undecided"]],
        wrongType: [{ policy: 1 }, { policy: { Statement: [] } }, policy("all")],
    })),
    {
        rule: "secrets-parameter-encrypted",
        type: "aws:ssm/parameter:Parameter",
        pass: [
            { type: "SecureString", value: "password=hunter2" },
            { value: "postgresql17" },
            {
                value: '{"secretArn":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-b-c1D2e3"}',
            },
        ],
        fail: [
            { value: "password=hunter2" },
            { value: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a password=hunter2" },
            { value: "client_secret:hunter2" },
            { insecureValue: "postgres://master:hunter2@db.example/postgres" },
            { type: undefined, value: "password=hunter2" },
        ],
        absent: [[{ value: undefined }, "passed"]],
        unknown: [
            [{ value: UNKNOWN }, "undecided"],
            [{ value: UNKNOWN, insecureValue: "password=hunter2" }, "refused"],
        ],
        wrongType: [{ value: 1 }, { insecureValue: [] }],
    },
    {
        rule: "s3-buckets-tls",
        type: "aws:s3/bucketPolicy:BucketPolicy",
        base: policy(TLS_ONLY),
        pass: [
            policy([TLS_ONLY]),
            policy({ ...TLS_ONLY, Sid: "TlsOnly", Principal: { AWS: "*" } }),
        ],
        fail: [
            policy({ ...TLS_ONLY, Effect: "Allow" }),
            policy([TLS_ONLY, { ...TLS_ONLY, Effect: "Allow", Principal: { AWS: "a" } }]),
            policy({ ...TLS_ONLY, Action: "s3:GetObject" }),
            policy({ ...TLS_ONLY, Principal: { AWS: "arn:aws:iam::123456789012:role/a" } }),
            policy({ ...TLS_ONLY, Resource: "arn:aws:s3:::a/*" }),
            policy({ ...TLS_ONLY, Resource: ["arn:aws:s3:::a", "arn:aws:s3:::b/*"] }),
            policy({ ...TLS_ONLY, Condition: { Bool: { "aws:SecureTransport": "true" } } }),
            policy({
                ...TLS_ONLY,
                Condition: { ...TLS_ONLY.Condition, StringEquals: { "aws:PrincipalArn": "a" } },
            }),
            policy({
                ...TLS_ONLY,
                Condition: { Bool: { ...TLS_ONLY.Condition.Bool, "aws:ViaAWSService": "true" } },
            }),
            policy({ ...TLS_ONLY, Condition: undefined }),
            policy([]),
            { policy: "" },
        ],
        absent: [[{ policy: undefined }, "refused"]],
        unknown: [[{ policy: UNKNOWN }, "undecided"]],
        wrongType: [{ policy: 7 }, { policy: "no JSON" }],
    },
    {
        rule: "ssm-documents-private",
        type: DOCUMENT,
        pass: [{ permissions: undefined }],
        fail: [{ permissions: { type: "Share", accountIds: "All" } }, { permissions: {} }],
        absent: [[{ permissions: undefined }, "passed"]],
        unknown: [[{ permissions: UNKNOWN }, "undecided"]],
        wrongType: [{ permissions: "All" }],
    },
    {
        rule: "ssm-sessions-logged",
        type: DOCUMENT,
        pass: [
            { content: JSON.stringify(sessionDocument("/sessions", true)) },
            {
                content: JSON.stringify(sessionDocument("/sessions", false)),
                documentFormat: undefined,
            },
        ],
        fail: [
            { content: JSON.stringify(sessionDocument("", true)) },
            session({ cloudWatchStreamingEnabled: false }),
            session({ cloudWatchLogGroupName: undefined }),
            session({ s3BucketName: "elsewhere" }),
            { content: JSON.stringify({ sessionType: "Port" }) },
            { documentType: "Command" },
            { documentFormat: "YAML" },
        ],
        absent: [
            [{ content: undefined }, "refused"],
            [{ documentType: undefined }, "refused"],
        ],
        unknown: [
            [{ content: UNKNOWN }, "undecided"],
            [{ documentType: UNKNOWN }, "undecided"],
        ],
        wrongType: [{ content: 7 }, { content: "{" }, { documentType: [] }],
    },
];
