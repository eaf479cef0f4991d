/** What the pack does about one control of AWS Security Hub. */
export interface ControlCoverage {
    /** Controls of one service with one answer, such as RDS.2. */
    readonly controls: readonly string[];
    /** What they are about, in a few words. */
    readonly about: string;
    /** Rules that check them; empty where a reason stands instead. */
    readonly rules: readonly string[];
    /** Why no rule checks them. */
    readonly reason?: string;
}

const covered = (
    controls: string,
    about: string,
    ...rules: readonly string[]
): ControlCoverage => ({
    controls: controls.split(" "),
    about,
    rules,
});

const left = (controls: string, about: string, reason: string): ControlCoverage => ({
    controls: controls.split(" "),
    about,
    rules: [],
    reason,
});

const OTHER_ENGINE =
    "the program has no such database, endpoint or engine, and the rules refuse one";
const ACCOUNT = "it is about the account, not about a stack";
const NOT_HERE = "the program has no such resource";
const CHOICE = "the operator chooses between cost and availability; the trail resumes without loss";
const TAGS =
    "the program tags everything; which tags an organisation wants is its tag policy's business";

/** Every control for RDS, DMS, EC2 with VPC, KMS, Secrets Manager, IAM, Systems Manager, S3 and CloudWatch, as far as they were known in 2026. */
export const coverage: readonly ControlCoverage[] = [
    covered("RDS.1", "snapshots are private", "rds-snapshots-private"),
    covered("RDS.2", "no public access", "rds-not-public"),
    covered("RDS.3 RDS.4 RDS.27", "encryption at rest", "rds-storage-encrypted"),
    left("RDS.5 RDS.15", "several zones", CHOICE),
    left("RDS.6", "enhanced monitoring", "it says how busy a server is, not what it recorded"),
    covered("RDS.7 RDS.8", "deletion protection", "stack-trail-protected"),
    covered("RDS.9 RDS.37", "logs in CloudWatch", "rds-logs-exported"),
    left(
        "RDS.10 RDS.12",
        "IAM authentication",
        "DMS and the program log in with generated passwords from secrets; the program switches it on at the audit server where the config key databaseUsers lists a login of IAM",
    ),
    covered("RDS.11 RDS.50", "backups are kept", "rds-backups-kept"),
    left(
        "RDS.13 RDS.35",
        "automatic minor upgrades",
        "the rule inputs-known demands the opposite: a version that changes by itself restarts the servers, and the program would try to go back",
    ),
    left("RDS.14", "backtracking", "Aurora PostgreSQL has none"),
    covered("RDS.16", "clusters copy tags to snapshots", "inputs-known"),
    left("RDS.17 RDS.47 RDS.48", "instances copy tags to snapshots", OTHER_ENGINE),
    covered("RDS.18", "in a VPC", "inputs-known"),
    left("RDS.19 RDS.20 RDS.21 RDS.22", "event subscriptions", ACCOUNT),
    left(
        "RDS.23",
        "not the default port",
        "security groups decide who gets in; another port hides nothing from somebody inside",
    ),
    left(
        "RDS.24 RDS.25",
        "own name of the master user",
        "the config key audit-trail:masterUsername sets the name",
    ),
    left("RDS.26", "in an AWS Backup plan", "automated backups and final snapshots are demanded"),
    left("RDS.28 RDS.29 RDS.30 RDS.31 RDS.32 RDS.33", "tags", TAGS),
    left("RDS.34 RDS.36 RDS.39 RDS.40 RDS.41 RDS.42 RDS.44 RDS.45", "other engines", OTHER_ENGINE),
    covered("RDS.38", "TLS is forced", "rds-tls-forced"),
    left("RDS.43", "proxies demand TLS", "the rule stack-known-types refuses proxies"),
    covered("RDS.46", "no public subnets", "stack-private-subnets"),

    covered("DMS.1", "not public", "dms-instance-not-public"),
    left("DMS.2 DMS.3 DMS.4 DMS.5", "tags", TAGS),
    left(
        "DMS.6",
        "automatic minor upgrades",
        "the rule inputs-known demands the opposite: an engine that changes by itself may change what is logged",
    ),
    covered("DMS.7 DMS.8", "tasks log", "dms-task-logged", "dms-task-settings-known"),
    covered("DMS.9", "endpoints use TLS", "dms-endpoint-tls"),
    left("DMS.10 DMS.11 DMS.12", "Neptune, MongoDB, Redis", OTHER_ENGINE),
    left("DMS.13", "several zones", CHOICE),

    left("EC2.1 EC2.4 EC2.12 EC2.22", "public snapshots, idle hosts, addresses, groups", ACCOUNT),
    covered("EC2.2", "the default group is closed", "inputs-known"),
    covered("EC2.3 EC2.7", "volumes are encrypted", "ec2-volumes-encrypted"),
    left(
        "EC2.6",
        "flow logs",
        "security groups decide who may talk to whom; flow logs are the organisation's choice",
    ),
    covered("EC2.8 EC2.170", "IMDSv2", "ec2-imdsv2-only"),
    left(
        "EC2.9",
        "no public address",
        "the psql host is in the public subnet so that an operator reaches it from one network, which the config key audit-trail:sshCidr names",
    ),
    left(
        "EC2.10 EC2.55 EC2.56 EC2.57 EC2.58 EC2.60",
        "endpoints of EC2, ECR and SSM",
        "the program has the endpoints that DMS needs, of Secrets Manager and CloudWatch Logs; the host has a route to the internet",
    ),
    covered(
        "EC2.13 EC2.14 EC2.18 EC2.19",
        "nothing is open to the world",
        "vpc-no-ingress-from-anywhere",
    ),
    covered("EC2.15", "subnets give no public addresses", "inputs-known"),
    left(
        "EC2.16 EC2.21",
        "network ACLs",
        "the program makes no network ACL: a VPC's own one is open, and security groups close the network",
    ),
    covered("EC2.17 EC2.180", "one interface, checked addresses", "inputs-known"),
    left(
        "EC2.20 EC2.23 EC2.25 EC2.51 EC2.171 EC2.173 EC2.174 EC2.175 EC2.176 EC2.177 EC2.178 EC2.179 EC2.181 EC2.182",
        "VPNs, transit gateways, templates, fleets",
        NOT_HERE,
    ),
    left("EC2.24", "no paravirtual types", "AWS starts no paravirtual instance from these images"),
    left("EC2.28", "volumes in a backup plan", "the program can make everything on the host again"),
    left(
        "EC2.33 EC2.34 EC2.35 EC2.36 EC2.37 EC2.38 EC2.39 EC2.40 EC2.41 EC2.42 EC2.43 EC2.44 EC2.45 EC2.46 EC2.47 EC2.48 EC2.49 EC2.50 EC2.52",
        "tags",
        TAGS,
    ),
    covered(
        "EC2.53 EC2.54",
        "no administration ports open to the world",
        "vpc-no-ingress-from-anywhere",
    ),
    left("EC2.172", "block public access of VPCs", ACCOUNT),

    covered("KMS.1 KMS.2", "no decryption with every key", "iam-policies-narrow"),
    left(
        "KMS.3 KMS.4 KMS.5",
        "keys",
        "the program uses AWS's own keys; their owner sets their policies",
    ),

    left(
        "SecretsManager.1 SecretsManager.2 SecretsManager.4",
        "rotation",
        "the passwords are generated and an update of the program can make others; DMS reads a rotated one only after its task is started again",
    ),
    left("SecretsManager.3", "unused secrets", ACCOUNT),
    left("SecretsManager.5", "tags", TAGS),

    covered(
        "IAM.1 IAM.21",
        "no wide policies",
        "iam-policies-narrow",
        "iam-managed-policies-known",
    ),
    left("IAM.2", "no policies for users", "the rule stack-known-types refuses users"),
    covered("IAM.3", "access keys", "stack-known-types"),
    left(
        "IAM.4 IAM.5 IAM.6 IAM.7 IAM.8 IAM.9 IAM.10 IAM.11 IAM.12 IAM.13 IAM.14 IAM.15 IAM.16 IAM.17 IAM.18 IAM.19 IAM.20 IAM.22 IAM.26 IAM.27 IAM.28",
        "root, passwords, MFA, users",
        ACCOUNT,
    ),
    left("IAM.23 IAM.24 IAM.25", "tags", TAGS),

    left(
        "SSM.1 SSM.2 SSM.3",
        "managed hosts, their patches and associations",
        "the program gives the host's role the agent's policy; whether the agent reports and what it has patched is seen in the account",
    ),
    covered("SSM.4", "documents are private", "ssm-documents-private"),
    left("SSM.5", "tags", TAGS),
    left("SSM.6 SSM.7", "logs of automation, sharing of documents", ACCOUNT),

    left("S3.1", "block public access of the account", ACCOUNT),
    covered(
        "S3.2 S3.3 S3.8",
        "buckets are not public",
        "stack-buckets-closed",
        "s3-buckets-tls",
        "inputs-known",
    ),
    covered("S3.5", "buckets demand TLS", "s3-buckets-tls"),
    covered("S3.6", "buckets let no other account in", "s3-buckets-tls"),
    left("S3.7", "a copy in another region", "the next update makes the only object again"),
    left(
        "S3.9 S3.22 S3.23",
        "logs of requests",
        "the only object is the program of the psql host, without rows and passwords; its checksum is in the host's parameter. Who writes to it is in the account's CloudTrail",
    ),
    covered("S3.10 S3.13", "old versions go", "stack-buckets-closed", "inputs-known"),
    left("S3.11", "event notifications", "nothing waits for a change of the only object"),
    covered("S3.12", "no access lists", "stack-buckets-closed", "inputs-known"),
    covered("S3.14", "versions", "stack-buckets-closed", "inputs-known"),
    left(
        "S3.15 S3.20",
        "object lock, deletion by MFA",
        "a destroy removes the bucket, and an update makes the only object again",
    ),
    covered("S3.17", "encryption by KMS", "stack-buckets-closed", "inputs-known"),
    left("S3.19 S3.24 S3.25", "access points, directory buckets", NOT_HERE),

    left(
        "CloudWatch.1 CloudWatch.2 CloudWatch.3 CloudWatch.4 CloudWatch.5 CloudWatch.6 CloudWatch.7 CloudWatch.8 CloudWatch.9 CloudWatch.10 CloudWatch.11 CloudWatch.12 CloudWatch.13 CloudWatch.14",
        "metric filters of the account's CloudTrail",
        ACCOUNT,
    ),
    left("CloudWatch.15 CloudWatch.17", "alarms act", NOT_HERE),
    left(
        "CloudWatch.16",
        "log groups are kept for a year",
        "RDS and DMS make their log groups themselves; the trail is in the audit database, not in them. That of the sessions on the psql host is kept for a year",
    ),
];

/** The coverage as a Markdown table. */
export function coverageTable(): string {
    const rows = coverage.map(
        ({ controls, about, rules, reason = "" }) =>
            `| ${controls.join(", ")} | ${about} | ${rules.join(", ")} | ${reason} |`,
    );
    return ["| control | about | rule | why none |", "| --- | --- | --- | --- |", ...rows].join(
        "\n",
    );
}
