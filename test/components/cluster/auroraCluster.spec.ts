import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { AuroraCluster, type AuroraClusterArgs } from "../../../components/cluster/auroraCluster";
import { DatabaseCredentials } from "../../../components/cluster/databaseCredentials";
import type { DatabaseServer } from "../../../components/cluster/databaseServer";
import type { NewServerArgs } from "../../../components/cluster/newServer";
import { masterProvider } from "../../../components/cluster/postgresqlProvider";
import { RdsInstance, type RdsInstanceArgs } from "../../../components/cluster/rdsInstance";
import { sourceParameters } from "../../../components/cluster/serverParameters";
import type { Route } from "../../../reach/route";
import { isWrappedSecret, MOCK_PASSWORD, Recorder } from "../support/mocks";
import { UNGUARDED } from "../support/unguarded";

const CLUSTER = "aws:rds/cluster:Cluster";
const VERSION = "aws:secretsmanager/secretVersion:SecretVersion";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-4567-89ab-cdef-0123456789ab";

function usual(deletionProtection: boolean): NewServerArgs {
    return {
        engineVersion: "17.7",
        instanceClass: "db.t3.medium",
        databaseName: "appdb",
        masterUsername: "postgres",
        parameters: sourceParameters(),
        subnetIds: ["subnet-1", "subnet-2"],
        securityGroupId: "sg-0a1b2c3d4e5f60718",
        multiAz: false,
        kmsKeyArn: undefined,
        backupRetentionDays: 8,
        deletionProtection,
        guard: UNGUARDED,
        whenDestroyed: "delete",
        caBundle: { file: "certs/ca.pem", path: "../certs/ca.pem", pem: "" },
        tags: { Project: "audit-trail" },
    };
}

async function aurora(
    deletionProtection: boolean,
    args: Partial<AuroraClusterArgs> = {},
): Promise<[Recorder, AuroraCluster]> {
    const recorder = new Recorder();
    await recorder.install();
    const made = new AuroraCluster("db", {
        ...usual(deletionProtection),
        serverless: undefined,
        ...args,
    });
    await recorder.settle(made.host, made.port, made.masterSecretArn, made.masterConnection);
    return [recorder, made];
}

describe("AuroraCluster", () => {
    it("is private, encrypted, backed up and logged", async () => {
        const [recorder] = await aurora(true);
        const cluster = recorder.inputs(CLUSTER);
        assert.equal(cluster["clusterIdentifier"], "db");
        assert.equal(cluster["engine"], "aurora-postgresql");
        assert.equal(cluster["storageEncrypted"], true);
        assert.equal(cluster["backupRetentionPeriod"], 8);
        assert.equal(cluster["copyTagsToSnapshot"], true);
        assert.deepEqual(cluster["enabledCloudwatchLogsExports"], ["postgresql"]);
        assert.deepEqual(cluster["vpcSecurityGroupIds"], ["sg-0a1b2c3d4e5f60718"]);
        assert.ok(!("availabilityZones" in cluster), "would replace the cluster at every update");
        const instance = recorder.inputs("aws:rds/clusterInstance:ClusterInstance");
        assert.equal(instance["publiclyAccessible"], false);
        assert.equal(instance["clusterIdentifier"], "db-cluster-id");
        assert.equal(instance["caCertIdentifier"], "rds-ca-rsa2048-g1");
    });

    it("has its own parameter group of the engine's family from the start", async () => {
        const [recorder] = await aurora(true);
        const group = recorder.inputs("aws:rds/clusterParameterGroup:ClusterParameterGroup");
        assert.equal(group["family"], "aurora-postgresql17");
        assert.equal(group["name"], "db-pg17");
        assert.deepEqual(group["parameters"], sourceParameters());
        assert.equal(recorder.inputs(CLUSTER)["dbClusterParameterGroupName"], "db-pg17");
    });

    it("takes a final snapshot exactly when it is protected", async () => {
        const [kept] = await aurora(true);
        assert.equal(kept.inputs(CLUSTER)["deletionProtection"], true);
        assert.equal(kept.inputs(CLUSTER)["skipFinalSnapshot"], false);
        assert.equal(kept.inputs(CLUSTER)["finalSnapshotIdentifier"], "db-final-e5f60718");
        const [thrownAway] = await aurora(false);
        assert.equal(thrownAway.inputs(CLUSTER)["deletionProtection"], false);
        assert.equal(thrownAway.inputs(CLUSTER)["skipFinalSnapshot"], true);
        assert.ok(!("finalSnapshotIdentifier" in thrownAway.inputs(CLUSTER)));
    });

    it("is kept or leaves a snapshot when it may be deleted, as the config says", async () => {
        const [snapshot] = await aurora(false, { whenDestroyed: "snapshot" });
        const { deletionProtection, skipFinalSnapshot } = snapshot.inputs(CLUSTER);
        assert.deepEqual([deletionProtection, skipFinalSnapshot], [false, false]);
        const [kept] = await aurora(false, { whenDestroyed: "retain" });
        assert.equal(kept.inputs(CLUSTER)["deletionProtection"], true);
    });

    it("has a second instance, a key of the customer's and capacities where it is told so", async () => {
        const serverless = { minCapacity: 0.5, maxCapacity: 8 };
        const instanceClass = "db.serverless";
        const args = { multiAz: true, kmsKeyArn: KEY, serverless, instanceClass };
        const [recorder] = await aurora(true, args);
        const instances = recorder.all("aws:rds/clusterInstance:ClusterInstance");
        assert.deepEqual(
            instances.map(({ inputs }) => [inputs["identifier"], inputs["instanceClass"]]),
            [
                ["db-instance-1", "db.serverless"],
                ["db-instance-2", "db.serverless"],
            ],
        );
        const cluster = recorder.inputs(CLUSTER);
        assert.deepEqual(cluster["serverlessv2ScalingConfiguration"], serverless);
        assert.equal(cluster["kmsKeyId"], KEY);
        assert.equal(recorder.inputs("aws:secretsmanager/secret:Secret")["kmsKeyId"], KEY);
        const log = recorder.inputs("aws:cloudwatch/logGroup:LogGroup");
        assert.deepEqual([log["name"], log["kmsKeyId"]], ["/aws/rds/cluster/db/postgresql", KEY]);
    });

    it("hands its master password out only as a secret", async () => {
        const [recorder, made] = await aurora(true);
        assert.ok(isWrappedSecret(recorder.raw(CLUSTER, "db-cluster")["masterPassword"]));
        assert.ok(isWrappedSecret(recorder.raw(VERSION, "db-master-version")["secretString"]));
        assert.equal(await pulumi.isSecret(made.masterConnection), true);
        assert.equal(await pulumi.isSecret(made.host), false);
        assert.equal(await pulumi.isSecret(made.masterSecretArn), false);
        assert.deepEqual(JSON.parse(String(recorder.inputs(VERSION)["secretString"])), {
            username: "postgres",
            password: `${MOCK_PASSWORD}db-master-password`,
            host: "db-cluster.example.com",
            port: 5432,
            dbname: "appdb",
        });
    });
});

describe("RdsInstance", () => {
    const INSTANCE = "aws:rds/instance:Instance";

    async function rds(args: Partial<RdsInstanceArgs> = {}): Promise<[Recorder, RdsInstance]> {
        const recorder = new Recorder();
        await recorder.install();
        const sizes = { allocatedStorage: 100, maxAllocatedStorage: 1000 };
        const made = new RdsInstance("db", { ...usual(true), ...sizes, ...args });
        await recorder.settle(made.host, made.port, made.masterSecretArn, made.masterConnection);
        return [recorder, made];
    }

    it("is private, encrypted, backed up, logged, and grows", async () => {
        const [recorder, made] = await rds();
        const { password, tags, ...inputs } = recorder.inputs(INSTANCE);
        assert.deepEqual(inputs, {
            identifier: "db",
            engine: "postgres",
            engineVersion: "17.7",
            instanceClass: "db.t3.medium",
            allocatedStorage: 100,
            maxAllocatedStorage: 1000,
            storageType: "gp3",
            storageEncrypted: true,
            dbName: "appdb",
            username: "postgres",
            dbSubnetGroupName: "db",
            parameterGroupName: "db-pg17",
            vpcSecurityGroupIds: ["sg-0a1b2c3d4e5f60718"],
            multiAz: false,
            publiclyAccessible: false,
            caCertIdentifier: "rds-ca-rsa2048-g1",
            backupRetentionPeriod: 8,
            copyTagsToSnapshot: true,
            enabledCloudwatchLogsExports: ["postgresql"],
            autoMinorVersionUpgrade: false,
            deletionProtection: true,
            skipFinalSnapshot: false,
            finalSnapshotIdentifier: "db-final-e5f60718",
            applyImmediately: true,
        });
        assert.deepEqual(tags, { Project: "audit-trail", Name: "db" });
        assert.equal(password, `${MOCK_PASSWORD}db-master-password`);
        assert.equal(made.dmsEngineName, "postgres");
    });

    it("has its own parameter group of its family, with the parameters of a cluster", async () => {
        const [recorder] = await rds({ engineVersion: "16.8" });
        const group = recorder.inputs("aws:rds/parameterGroup:ParameterGroup");
        assert.deepEqual([group["name"], group["family"]], ["db-pg16", "postgres16"]);
        assert.deepEqual(group["parameters"], sourceParameters());
    });

    it("has a standby and a key of the customer's where it is told so", async () => {
        const [recorder] = await rds({ multiAz: true, kmsKeyArn: KEY, whenDestroyed: "retain" });
        const { multiAz, kmsKeyId } = recorder.inputs(INSTANCE);
        assert.deepEqual([multiAz, kmsKeyId], [true, KEY]);
        const log = recorder.inputs("aws:cloudwatch/logGroup:LogGroup");
        assert.deepEqual([log["name"], log["kmsKeyId"]], ["/aws/rds/instance/db/postgresql", KEY]);
    });

    it("hands its master password out only as a secret", async () => {
        const [recorder, made] = await rds();
        assert.ok(isWrappedSecret(recorder.raw(INSTANCE, "db-instance")["password"]));
        assert.ok(isWrappedSecret(recorder.raw(VERSION, "db-master-version")["secretString"]));
        assert.equal(await pulumi.isSecret(made.masterConnection), true);
        assert.equal(await pulumi.isSecret(made.host), false);
        assert.deepEqual(JSON.parse(String(recorder.inputs(VERSION)["secretString"])), {
            username: "postgres",
            password: `${MOCK_PASSWORD}db-master-password`,
            host: "db-instance.example.com",
            port: 5432,
            dbname: "appdb",
        });
    });
});

describe("the master's postgresql provider", () => {
    it("verifies the server, is no superuser, and keeps the password secret", async () => {
        const [recorder, made] = await aurora(true);
        const provider = masterProvider("pg", made);
        await recorder.settle(provider.urn);
        const inputs = recorder.inputs("pulumi:providers:postgresql");
        assert.equal(inputs["host"], "db-cluster.example.com");
        assert.equal(inputs["sslmode"], "verify-full");
        assert.equal(inputs["sslrootcert"], "../certs/ca.pem");
        // Provider inputs that are no texts travel as JSON.
        assert.equal(String(inputs["superuser"]), "false");
        assert.equal(String(inputs["port"]), "5432");
        assert.equal(inputs["username"], "postgres");
        const raw = recorder.raw("pulumi:providers:postgresql", "pg");
        assert.ok(isWrappedSecret(raw["password"]));
        assert.ok(!("databaseRoute" in inputs), "a server that is reached as it is has no route");
    });

    it("hands on the route of a connection that has one, for everybody to see in a preview", async () => {
        const [recorder, made] = await aurora(true);
        const server: DatabaseServer = made;
        const routedTo = (route: Route): DatabaseServer => ({
            ...server,
            masterConnection: server.masterConnection.apply((one) => ({ ...one, route })),
        });
        const route = { kind: "ssm", instanceId: "i-1", region: "eu-west-1" } as const;
        const provider = masterProvider("routed", routedTo(route));
        const direct = masterProvider("direct", routedTo({ kind: "direct" }));
        await recorder.settle(provider.urn);
        await recorder.settle(direct.urn);
        const raw = recorder.raw("pulumi:providers:postgresql", "routed");
        assert.equal(raw["databaseRoute"], JSON.stringify(route));
        assert.equal(raw["host"], "db-cluster.example.com");
        assert.ok(!("databaseRoute" in recorder.raw("pulumi:providers:postgresql", "direct")));
    });
});

describe("DatabaseCredentials", () => {
    it("are a secret of the form that DMS reads, under a name that can be used again", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const credentials = new DatabaseCredentials("cred", {
            description: "User of AWS DMS",
            username: "audit_trail_dms_source",
            // In clear on purpose: the component itself must make a secret of it.
            password: "swordfish",
            host: "db.example.com",
            port: 5432,
            databaseName: "appdb",
            tags: {},
        });
        await recorder.settle(credentials.secretArn);
        assert.ok(isWrappedSecret(recorder.raw(VERSION, "cred-version")["secretString"]));
        const secret = recorder.inputs("aws:secretsmanager/secret:Secret");
        assert.equal(secret["namePrefix"], "cred-");
        assert.ok(!("name" in secret));
        assert.ok(Number(secret["recoveryWindowInDays"]) >= 7);
    });
});
