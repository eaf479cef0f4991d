import assert from "node:assert/strict";
import { Cloud } from "./support/cloud";

describe("functions of the AWS stand-in", () => {
    let cloud: Cloud;

    before(async () => {
        cloud = await Cloud.open();
        await cloud.configure({ region: "eu-central-1" });
    });

    after(async () => {
        await cloud.close();
    });

    it("tell the region, the account and the zones", async () => {
        const region = await cloud.invoke("aws:index/getRegion:getRegion");
        const identity = await cloud.invoke("aws:index/getCallerIdentity:getCallerIdentity");
        const zones = await cloud.invoke("aws:index/getAvailabilityZones:getAvailabilityZones");
        assert.equal(region.region, "eu-central-1");
        assert.equal(identity.accountId, "000000000000");
        assert.deepEqual(zones.names, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    });

    it("give the public image of Amazon Linux and no other parameter", async () => {
        const token = "aws:ssm/getParameter:getParameter";
        const name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
        assert.match(String((await cloud.invoke(token, { name })).value), /^ami-[0-9a-f]{17}$/);
        await assert.rejects(cloud.invoke(token, { name: "/mine" }), /no SSM parameter "\/mine"/);
    });

    it("find the one network that is there before any stack", async () => {
        const token = "aws:ec2/getSubnet:getSubnet";
        const found = await cloud.invoke(token, { id: "subnet-0123456789abcdefb" });
        assert.equal(found.vpcId, "vpc-0123456789abcdef0");
        assert.equal(found.availabilityZone, "eu-central-1b");
        await assert.rejects(
            cloud.invoke(token, { id: "subnet-01234567" }),
            /^Error: .*InvalidSubnetID\.NotFound: the subnet ID "subnet-01234567" does not exist/,
        );
    });

    it("find databases and secrets that a plan without an account asks for, as strictly as AWS", async () => {
        const [cluster, instance, secret] = [
            "aws:rds/getCluster:getCluster",
            "aws:rds/getInstance:getInstance",
            "aws:secretsmanager/getSecretVersion:getSecretVersion",
        ] as const;
        const found = await cloud.invoke(cluster, { clusterIdentifier: "shop" });
        assert.match(String(found.endpoint), /^shop\.cluster-.*\.eu-central-1\.rds/);
        assert.equal(found.arn, "arn:aws:rds:eu-central-1:000000000000:cluster:shop");
        const { address } = await cloud.invoke(instance, { dbInstanceIdentifier: "shop" });
        assert.match(String(address), /^shop\.c.*\.eu-central-1\.rds/);
        const [managed] = found.masterUserSecrets as { secretArn: string }[];
        const { secretString } = await cloud.invoke(secret, { secretId: managed?.secretArn });
        assert.match(String(secretString), /"username"/);

        const invalid = /not a valid identifier/;
        await assert.rejects(cloud.invoke(cluster, { clusterIdentifier: "a--b" }), invalid);
        await assert.rejects(cloud.invoke(cluster, { clusterIdentifier: "Shop" }), invalid);
        await assert.rejects(cloud.invoke(instance, { dbInstanceIdentifier: "shop-" }), invalid);
        await assert.rejects(cloud.invoke(instance, { tags: { a: "b" } }), /not by tags/);
        const elsewhere = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a";
        for (const secretId of [elsewhere, "shop"]) {
            await assert.rejects(cloud.invoke(secret, { secretId }), /ResourceNotFoundException/);
        }
    });

    it("refuse what they cannot answer by its token", async () => {
        await assert.rejects(
            cloud.invoke("aws:s3/getBucket:getBucket"),
            /cannot answer aws:s3\/getBucket:getBucket/,
        );
    });

    it("render policy documents as IAM wants them", async () => {
        const source = JSON.stringify({
            Statement: [{ Sid: "Old", Effect: "Deny" }, { Sid: "Kept" }],
        });
        const { json } = await cloud.invoke("aws:iam/getPolicyDocument:getPolicyDocument", {
            sourcePolicyDocuments: [source],
            statements: [
                {
                    sid: "Old",
                    actions: ["s3:PutObject", "s3:GetObject"],
                    resources: ["*"],
                    principals: [{ type: "Service", identifiers: ["dms.amazonaws.com"] }],
                    conditions: [
                        { test: "StringEquals", variable: "aws:SourceAccount", values: ["1"] },
                        { test: "StringEquals", variable: "aws:SourceRegion", values: ["a", "b"] },
                    ],
                },
            ],
        });
        assert.deepEqual(JSON.parse(String(json)), {
            Version: "2012-10-17",
            Statement: [
                { Sid: "Kept" },
                {
                    Sid: "Old",
                    Effect: "Allow",
                    Action: ["s3:GetObject", "s3:PutObject"],
                    Resource: "*",
                    Principal: { Service: "dms.amazonaws.com" },
                    Condition: {
                        StringEquals: { "aws:SourceAccount": "1", "aws:SourceRegion": ["a", "b"] },
                    },
                },
            ],
        });
    });
});
