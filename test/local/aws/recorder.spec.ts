import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { cidrProblem, contains, overlaps } from "../../../local/aws/validate";
import { type Props, UNKNOWN } from "../../../local/provider";
import { Cloud, makeNetwork } from "./support/cloud";

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const SECRET = "aws:secretsmanager/secret:Secret";
const PARAMETER = "aws:ssm/parameter:Parameter";
const BUCKET = "aws:s3/bucket:Bucket";
const DOCUMENT = "aws:ssm/document:Document";
const ROLE = "aws:iam/role:Role";
const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const SESSIONS = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
const TRUST = JSON.stringify({ Version: "2012-10-17", Statement: [] });
const RIGHTS = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }],
});

describe("recorded AWS resources", () => {
    let cloud: Cloud;

    beforeEach(async () => {
        cloud = await Cloud.open();
    });

    afterEach(async () => {
        await cloud.close();
    });

    it("have ids, ARNs and tags like those of AWS", async () => {
        await cloud.configure({ region: "eu-west-1", defaultTags: '{"tags":{"Stack":"dev"}}' });
        const vpc = await cloud.create("aws:ec2/vpc:Vpc", "net", {
            cidrBlock: "10.0.0.0/16",
            tags: { Name: "net" },
        });
        assert.match(vpc.id, /^vpc-[0-9a-f]{17}$/);
        assert.equal(vpc.outputs.arn, `arn:aws:ec2:eu-west-1:000000000000:vpc/${vpc.id}`);
        assert.deepEqual(vpc.outputs.tagsAll, { Stack: "dev", Name: "net" });
        const role = await cloud.create(ROLE, "access", { assumeRolePolicy: TRUST, path: "/dms/" });
        assert.match(role.id, /^access-[0-9a-f]{7}$/);
        assert.equal(role.outputs.arn, `arn:aws:iam::000000000000:role/dms/${role.id}`);
        const other = await cloud.create("aws:backup/vault:Vault", "vault", { name: "v" });
        assert.match(String(other.outputs.arn), /^arn:aws:backup:eu-west-1:000000000000:vault\//);
    });

    it("keep a made-up name over updates and give way when the program names them", async () => {
        const role = await cloud.create(ROLE, "access", { assumeRolePolicy: TRUST });
        const again = await cloud.check(ROLE, "access", role.inputs, { assumeRolePolicy: TRUST });
        assert.equal(again.name, role.id);
        assert.deepEqual(cloud.diff(role, again)?.changes, false);
        const renamed = { assumeRolePolicy: TRUST, name: "fixed" };
        assert.deepEqual(cloud.diff(role, renamed), {
            changes: true,
            replaces: ["name"],
            deleteBeforeReplace: false,
        });
    });

    it("of S3 have a bucket with a name that it takes, versions, and a policy that is not public", async () => {
        const bucket = await cloud.create(BUCKET, "one", { bucketPrefix: "dev-verify-" });
        assert.match(bucket.id, /^dev-verify-[0-9a-f]+$/);
        assert.equal(bucket.outputs.arn, `arn:aws:s3:::${bucket.id}`);
        const again = await cloud.check(BUCKET, "one", bucket.inputs, {
            bucketPrefix: "dev-verify-",
        });
        assert.equal(cloud.diff(bucket, again)?.changes, false);
        for (const wrong of [
            { bucketPrefix: "Dev-verify-" },
            { bucketPrefix: "x".repeat(38) },
            { bucketPrefix: "sthree-a" },
            { bucket: "ab" },
            { bucket: "dev_verify" },
            { bucket: "dev-verify-" },
            { bucket: "-dev" },
            { bucket: "a..b" },
            { bucket: "192.168.5.4" },
            { bucket: "dev-s3alias" },
            { bucket: "x".repeat(64) },
        ]) {
            assert.equal((await cloud.failures(BUCKET, wrong)).length, 1, JSON.stringify(wrong));
        }
        const object = { bucket: bucket.id, key: "a.cjs", content: "1" };
        const make = (kind: string, inputs: Props): ReturnType<Cloud["create"]> =>
            cloud.create(`aws:s3/${kind.replace(/^B/, "b")}:${kind}`, "of-one", {
                bucket: bucket.id,
                ...inputs,
            });
        await assert.rejects(make("BucketObjectv2", { ...object, bucket: "gone" }), /NoSuchBucket/);
        await assert.rejects(
            make("BucketVersioning", { bucket: "gone", versioningConfiguration: {} }),
            /NoSuchBucket/,
        );
        await make("BucketOwnershipControls", { rule: { objectOwnership: "BucketOwnerEnforced" } });
        await assert.rejects(
            make("BucketObjectv2", { ...object, acl: "private" }),
            /AccessControlListNotSupported/,
        );
        const early = await make("BucketObjectv2", { ...object, key: "early" });
        assert.equal(early.outputs.versionId, "null");
        await make("BucketVersioning", { versioningConfiguration: { status: "Enabled" } });
        const first = await make("BucketObjectv2", object);
        assert.match(String(first.outputs.versionId), /^[0-9a-f]{32}$/);
        const same = await cloud.update(first, { ...first.inputs, tags: { Team: "a" } });
        assert.equal(same.outputs.versionId, first.outputs.versionId);
        const second = await cloud.update(first, { ...first.inputs, content: "2" });
        assert.notEqual(second.outputs.versionId, first.outputs.versionId);
        await make("BucketPublicAccessBlock", { blockPublicPolicy: true });
        const statement = {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "*",
        };
        for (const [principal, effect] of [
            ["*", "Allow"],
            [{ AWS: "*" }, "Allow"],
            ["*", "Deny"],
        ] as const) {
            const Statement = [{ ...statement, Principal: principal, Effect: effect }];
            const policy = JSON.stringify({ Version: "2012-10-17", Statement });
            const made = make("BucketPolicy", { policy });
            await (effect === "Deny" ? made : assert.rejects(made, /AccessDenied: .* is public/));
        }
        await assert.rejects(cloud.delete(bucket), /BucketNotEmpty/);
        await cloud.delete(first);
        await cloud.delete(early);
        await cloud.delete(bucket);
        const free = await cloud.create(BUCKET, "two", { forceDestroy: true });
        await make("BucketObjectv2", { ...object, bucket: free.id });
        await cloud.delete(free);
        for (const [type, inputs] of [
            ["aws:s3/bucketObjectv2:BucketObjectv2", { bucket: "a", key: "b" }],
            ["aws:s3/bucketPolicy:BucketPolicy", { bucket: "a", policy: "{" }],
            [
                "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
                { bucket: "a", rules: [{ id: "a" }] },
            ],
        ] as const) {
            assert.equal((await cloud.failures(type, inputs)).length, 1, type);
        }
    });

    it("of Systems Manager have names and sizes that it takes, and documents that stay as they are", async () => {
        const parameter = { name: "/dev/databases", type: "String", value: "{}" };
        const { outputs } = await cloud.create(PARAMETER, "one", parameter);
        assert.match(String(outputs.arn), /:ssm:[^:]+:\d{12}:parameter\/dev\/databases$/);
        for (const wrong of [
            { name: "/aws/databases" },
            { name: "a b" },
            { type: "Text" },
            { value: "x".repeat(4097) },
            { value: "" },
        ]) {
            const refused = await cloud.failures(PARAMETER, { ...parameter, ...wrong });
            assert.equal(refused.length, 1, JSON.stringify(wrong));
        }
        const content = JSON.stringify({ schemaVersion: "1.0", inputs: {} });
        const document = { name: "session", documentType: "Session", content };
        const made = await cloud.create(DOCUMENT, "document", document);
        await cloud.update(made, { ...made.inputs, tags: { Team: "a" } });
        await assert.rejects(
            cloud.update(made, { ...made.inputs, content: content.replace("{}", '{"a":1}') }),
            /InvalidDocumentSchemaVersion/,
        );
        const broken = { ...document, name: "a", content: "{" };
        assert.equal((await cloud.failures(DOCUMENT, broken)).length, 2);
    });

    it("are replaced for other user data only where the program asks for it", async () => {
        const { subnets } = await makeNetwork(cloud);
        const inputs = { ami: "ami-1", instanceType: "t3.medium", subnetId: subnets[0]?.id };
        const host = await cloud.create("aws:ec2/instance:Instance", "host", {
            ...inputs,
            userData: "a",
        });
        const other = { ...host.inputs, userData: "b" };
        assert.deepEqual(cloud.diff(host, other)?.replaces, []);
        const asked = { ...other, userDataReplaceOnChange: true };
        assert.deepEqual(cloud.diff(host, asked)?.replaces, ["userData"]);
    });

    it("with a fixed name are deleted before they are replaced", async () => {
        const role = await cloud.create(ROLE, "access", {
            assumeRolePolicy: TRUST,
            name: "fixed",
            path: "/a/",
        });
        const moved = { ...role.inputs, path: "/b/" };
        assert.equal(cloud.diff(role, moved)?.deleteBeforeReplace, true);
        await assert.rejects(cloud.create(ROLE, "twin", role.inputs), /"fixed" already exists/);
    });

    it("are found again by a run that follows one which died before it could tell", async () => {
        const { group } = await makeNetwork(cloud);
        const rule = {
            securityGroupId: group.id,
            ipProtocol: "tcp",
            fromPort: 22,
            toPort: 22,
            cidrIpv4: "192.0.2.0/24",
        };
        const first = await cloud.create(INGRESS, "ssh", rule);
        assert.equal((await cloud.create(INGRESS, "ssh", rule)).id, first.id);
        await assert.rejects(
            cloud.create(INGRESS, "ssh-again", rule),
            /InvalidPermission.Duplicate/,
        );
        assert.equal((await cloud.read(group))?.id, group.id);
        await cloud.delete(group);
        await cloud.delete(group);
        assert.equal((await cloud.read(group))?.id, "");
    });

    it("are files that only their owner can read", async () => {
        await makeNetwork(cloud);
        const folder = path.join(cloud.stackDir, "aws", "ec2-vpc-Vpc");
        const [file = ""] = await readdir(folder);
        assert.equal((await stat(folder)).mode & 0o777, 0o700);
        assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600);
    });

    it("may have ids longer than a file name, and alike for most of it", async () => {
        const type = "aws:cloudwatch/logGroup:LogGroup";
        const names = ["a", "b"].map((end) => `/${"aws/rds/".repeat(40)}${end}`);
        const made = await Promise.all(
            names.map(
                async (name, index) => await cloud.create(type, `profile-${index}`, { name }),
            ),
        );
        assert.deepEqual(
            await Promise.all(made.map(async (one) => (await cloud.read(one))?.outputs.name)),
            names,
        );
    });

    it("leave the disk alone while they are only checked and compared", async () => {
        await cloud.failures("aws:ec2/vpc:Vpc", { cidrBlock: UNKNOWN });
        await cloud.failures("aws:rds/cluster:Cluster", { engine: UNKNOWN });
        await cloud.failures("aws:dms/endpoint:Endpoint", { secretsManagerArn: UNKNOWN });
        await cloud.failures("aws:dms/replicationTask:ReplicationTask", { tableMappings: UNKNOWN });
        assert.equal(existsSync(cloud.stackDir), false);
    });

    it("of types that would have to act are refused by name", async () => {
        await assert.rejects(
            cloud.create("aws:rds/proxy:Proxy", "db", {}),
            /has no stand-in for aws:rds\/proxy:Proxy/,
        );
    });

    it("are refused early for what AWS refuses", async () => {
        const { vpc, group } = await makeNetwork(cloud);
        const create = async (type: string, inputs: Record<string, unknown>): Promise<unknown> =>
            await cloud.create(type, "bad", inputs);
        const subnet = { vpcId: vpc.id, availabilityZone: "us-east-1a" };
        const rule = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 1, toPort: 1 };
        const cases: [string, Record<string, unknown>, RegExp][] = [
            ["aws:ec2/vpc:Vpc", {}, /cidrBlock: Missing required argument/],
            ["aws:ec2/vpc:Vpc", { cidrBlock: "10.0.0.0/8" }, /between \/16 and \/28/],
            ["aws:ec2/subnet:Subnet", { ...subnet, cidrBlock: "10.0.9.1/24" }, /has bits set/],
            [
                "aws:ec2/subnet:Subnet",
                { ...subnet, cidrBlock: "10.1.0.0/24" },
                /InvalidSubnet.Range/,
            ],
            [
                "aws:ec2/subnet:Subnet",
                { ...subnet, cidrBlock: "10.0.1.0/28" },
                /InvalidSubnet.Conflict/,
            ],
            [INGRESS, rule, /exactly one of/],
            [
                INGRESS,
                { ...rule, cidrIpv4: "0.0.0.0/0", toPort: undefined },
                /needs fromPort and toPort/,
            ],
            [INGRESS, { ...rule, referencedSecurityGroupId: "sg-0" }, /InvalidGroup.NotFound/],
            [ROLE, { assumeRolePolicy: "{" }, /not valid JSON/],
            [ROLE_POLICY, { role: "nobody", policy: RIGHTS }, /NoSuchEntity/],
            [
                "aws:secretsmanager/secretVersion:SecretVersion",
                { secretId: "x" },
                /ResourceNotFound/,
            ],
            [
                "aws:rds/subnetGroup:SubnetGroup",
                { subnetIds: ["subnet-0"] },
                /InvalidSubnetID.NotFound/,
            ],
        ];
        for (const [type, inputs, message] of cases) {
            await assert.rejects(create(type, inputs), message);
        }
    });

    it("have names, sizes and tags that AWS takes", async () => {
        const role = { assumeRolePolicy: TRUST, name: "a" };
        const group = { name: "/aws/rds/cluster/a/postgresql" };
        const logs = "aws:cloudwatch/logGroup:LogGroup";
        const policy = { role: "a", name: "a", policy: RIGHTS };
        const statement = (value: object): string => JSON.stringify({ Statement: [value] });
        const allow = { Effect: "Allow", Action: "sts:AssumeRole" };
        const cases: [string, object, object[]][] = [
            [
                ROLE,
                role,
                [
                    { name: "a".repeat(65) },
                    { name: "a b" },
                    { description: "a → b" },
                    { maxSessionDuration: 60 },
                    { assumeRolePolicy: RIGHTS },
                    { assumeRolePolicy: statement({ ...allow }) },
                    { assumeRolePolicy: statement({ ...allow, Effect: "allow", Principal: "*" }) },
                    { tags: { "aws:owner": "a" } },
                    { tags: { Name: "a".repeat(257) } },
                    { tags: { Name: "a;b" } },
                    { tags: Object.fromEntries([...Array(51).keys()].map((n) => [`t${n}`, ""])) },
                ],
            ],
            [
                ROLE_POLICY,
                policy,
                [
                    { name: "a/b" },
                    { policy: "{}" },
                    { policy: statement({ ...allow, Principal: "*", Resource: "*" }) },
                    { policy: RIGHTS.replace('"*"', `"${"a".repeat(10_240)}"`) },
                ],
            ],
            [
                logs,
                group,
                [{ name: "aws/rds" }, { name: "a b" }, { name: "" }, { retentionInDays: 366 }],
            ],
            [
                SECRET,
                { name: "a/b" },
                [{ name: "a:b" }, { recoveryWindowInDays: 6 }, { recoveryWindowInDays: 31 }],
            ],
            [
                "aws:secretsmanager/secretVersion:SecretVersion",
                { secretId: "a" },
                [{ secretString: "ä".repeat(32_769) }],
            ],
        ];
        for (const [type, inputs, wrongs] of cases) {
            assert.deepEqual(await cloud.failures(type, { ...inputs }), [], type);
            for (const wrong of wrongs) {
                const refused = await cloud.failures(type, { ...inputs, ...wrong });
                assert.equal(refused.length, 1, JSON.stringify([wrong, refused]).slice(0, 300));
            }
        }
    });

    it("have 26 more characters in their name than the prefix that the program gives", async () => {
        const long = { assumeRolePolicy: TRUST, namePrefix: "a".repeat(38) };
        const role = await cloud.create(ROLE, "access", long);
        assert.match(role.id, /^a{38}\d{26}$/);
        const longer = { ...long, namePrefix: "a".repeat(39) };
        assert.match((await cloud.failures(ROLE, longer)).join(), /^name: It has at most 64/);
    });

    it("are roles that nobody deletes with their policies, and of AWS's policies those that there are", async () => {
        const role = await cloud.create(ROLE, "access", { assumeRolePolicy: TRUST, name: "One" });
        await assert.rejects(
            cloud.create(ROLE, "twin", { assumeRolePolicy: TRUST, name: "oNE" }),
            /EntityAlreadyExists/,
        );
        const policy = await cloud.create(ROLE_POLICY, "rights", { role: "One", policy: RIGHTS });
        const attached = { role: "One", policyArn: SESSIONS };
        const attachment = await cloud.create(ATTACHMENT, "sessions", attached);
        for (const part of [policy, attachment]) {
            await assert.rejects(cloud.delete(role), /DeleteConflict/);
            await cloud.delete(part);
        }
        await cloud.delete(role);
        const unknown = {
            role: "One",
            policyArn: SESSIONS.replace("policy/", "policy/service-role/"),
        };
        await cloud.create(ROLE, "access", { assumeRolePolicy: TRUST, name: "One" });
        await assert.rejects(
            cloud.create(ATTACHMENT, "wrong", unknown),
            /NoSuchEntity: the policy/,
        );
    });

    it("keep the name of a deleted secret taken while it can be restored", async () => {
        const inputs = { name: "trail" };
        await cloud.delete(await cloud.create(SECRET, "first", inputs));
        await assert.rejects(
            cloud.create(SECRET, "second", inputs),
            /InvalidRequestException: .* scheduled for deletion/,
        );
        const brief = { name: "brief", recoveryWindowInDays: 0 };
        await cloud.delete(await cloud.create(SECRET, "first", brief));
        await cloud.create(SECRET, "second", brief);
    });
});

describe("networks", () => {
    const prefix = fc.integer({ min: 8, max: 30 });
    const network = fc.tuple(fc.nat(0xffff), prefix).map(([seed, bits]) => {
        const size = 2 ** (32 - bits);
        const first = Math.floor(((10 << 24) + seed * 256) / size) * size;
        return `${[24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join(".")}/${bits}`;
    });

    it("lie in each other or apart", () => {
        fc.assert(
            fc.property(network, network, (one, other) => {
                assert.equal(cidrProblem(one), undefined);
                assert.equal(overlaps(one, other), contains(one, other) || contains(other, one));
                assert.equal(contains(one, one), true);
            }),
        );
    });

    it("are refused when they are no networks", () => {
        for (const cidr of [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/24",
            "10.0.0.0/8/8",
            "::/129",
            "10.0.0.0/ 8",
        ]) {
            assert.match(cidrProblem(cidr) ?? "", /not a valid CIDR/, cidr);
        }
        assert.equal(cidrProblem("::/0"), undefined);
    });
});
