import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { DBCluster, DBInstance } from "@aws-sdk/client-rds";
import { readRdsFacts } from "../../commands/shared/rdsApi";
import { rdsFindings } from "../../preflight/rds/rdsChecks";
import type { RdsFacts } from "../../preflight/rds/rdsFacts";

const CLUSTER_ARN = "arn:aws:rds:eu-west-1:123456789012:cluster:shop";

/** A cluster that can be a source, as the API describes one. */
const CLUSTER: DBCluster = {
    DBClusterIdentifier: "shop",
    DBClusterArn: CLUSTER_ARN,
    Engine: "aurora-postgresql",
    EngineMode: "provisioned",
    EngineVersion: "17.7",
    Status: "available",
    DBClusterParameterGroup: "shop-params",
    DBClusterMembers: [
        { DBInstanceIdentifier: "shop-2", IsClusterWriter: false },
        {
            DBInstanceIdentifier: "shop-1",
            IsClusterWriter: true,
            DBClusterParameterGroupStatus: "in-sync",
        },
    ],
    VpcSecurityGroups: [{ VpcSecurityGroupId: "sg-0123456789abcdef0", Status: "active" }],
    MasterUserSecret: { SecretArn: "arn:aws:secretsmanager:x", SecretStatus: "active" },
};

const WRITER: DBInstance = {
    DBInstanceIdentifier: "shop-1",
    DBInstanceStatus: "available",
    Engine: "aurora-postgresql",
    DBParameterGroups: [
        { DBParameterGroupName: "default.aurora-postgresql17", ParameterApplyStatus: "in-sync" },
    ],
};

const GOOD: RdsFacts = {
    cluster: CLUSTER,
    instance: WRITER,
    blueGreen: { found: [] },
    globalClusters: { found: [] },
};

/** An instance of RDS for PostgreSQL that can be a source. */
const INSTANCE: RdsFacts = {
    ...GOOD,
    cluster: undefined,
    instance: { ...WRITER, Engine: "postgres", MasterUserSecret: { SecretStatus: "active" } },
};

function told(facts: RdsFacts, hasOwnSecret = true): string[] {
    const findings = rdsFindings(facts, { hasOwnSecret });
    for (const { found, wanted, mend, source } of findings) {
        assert.match(`${found} ${wanted} ${mend}`, /^[A-Z].*\.$/s);
        assert.ok(found.endsWith(".") && mend.endsWith("."), found);
        assert.match(source, /^https:\/\/docs\.aws\.amazon\.com\//);
    }
    return findings.map(({ severity, check }) => `${severity} ${check}`);
}

const cluster = (changed: Partial<DBCluster>): RdsFacts => ({
    ...GOOD,
    cluster: { ...CLUSTER, ...changed },
});
const instance = (changed: Partial<DBInstance>): RdsFacts => ({
    ...INSTANCE,
    instance: { ...INSTANCE.instance, ...changed },
});

describe("preflight: what RDS's API says", () => {
    it("is nothing against a cluster or an instance as they should be", () => {
        assert.deepEqual(told(GOOD), []);
        assert.deepEqual(told(INSTANCE), []);
    });

    it("refuses what cannot be a source", () => {
        for (const [facts, expected] of [
            [cluster({ ClusterScalabilityType: "limitless" }), "must limitless"],
            [cluster({ EngineMode: "serverless" }), "must engine mode"],
            [cluster({ Engine: "postgres" }), "must engine"],
            [cluster({ VpcSecurityGroups: [] }), "must express configuration"],
            [cluster({ VPCNetworkingEnabled: false }), "must express configuration"],
            [cluster({ ReplicationSourceIdentifier: "arn:aws:rds:x:1:db:old" }), "must replica"],
            [cluster({ Status: "stopped" }), "must status"],
            [{ ...GOOD, instance: undefined }, "must status"],
            [instance({ ReadReplicaSourceDBInstanceIdentifier: "main" }), "must replica"],
            [instance({ Engine: "aurora-postgresql" }), "must engine"],
            [instance({ Engine: "mysql" }), "must engine"],
            [instance({ DBInstanceStatus: "modifying" }), "must status"],
        ] as const) {
            assert.deepEqual(told(facts), [expected]);
        }
    });

    it("tells of a parameter group that the writer has not taken, with what to do about it", () => {
        for (const [status, mend] of [
            ["pending-reboot", /reboot-db-instance --db-instance-identifier shop-1"/],
            ["pending-database-upgrade", /upgrade/],
            ["failed-to-apply", /Correct the values/],
            ["applying", /in-sync/],
        ] as const) {
            const members = [
                { IsClusterWriter: false, DBClusterParameterGroupStatus: "in-sync" },
                { IsClusterWriter: true, DBClusterParameterGroupStatus: status },
            ];
            const group = { DBParameterGroupName: "own", ParameterApplyStatus: status };
            for (const facts of [
                cluster({ DBClusterMembers: members }),
                instance({ DBParameterGroups: [group] }),
            ]) {
                assert.deepEqual(told(facts), ["should parameter group"]);
                assert.match(rdsFindings(facts, { hasOwnSecret: true })[0]?.mend ?? "", mend);
            }
        }
        // A reader's is of no matter.
        const reader = { IsClusterWriter: false, DBClusterParameterGroupStatus: "pending-reboot" };
        assert.deepEqual(told(cluster({ DBClusterMembers: [reader] })), []);
    });

    it("refuses a blue/green deployment until it is over, and a secondary of a global database", () => {
        for (const [status, expected] of [
            ["AVAILABLE", ["must blue/green deployment"]],
            ["SWITCHOVER_FAILED", ["must blue/green deployment"]],
            ["SWITCHOVER_COMPLETED", ["should blue/green deployment"]],
            ["DELETING", []],
        ] as const) {
            const deployment = { BlueGreenDeploymentIdentifier: "bgd-1", Status: status };
            assert.deepEqual(told({ ...GOOD, blueGreen: { found: [deployment] } }), expected);
        }
        const member = (DBClusterArn: string, IsWriter: boolean) => ({ DBClusterArn, IsWriter });
        for (const [members, expected] of [
            [[member("other", true), member(CLUSTER_ARN, false)], ["must global database"]],
            [[member(CLUSTER_ARN, true), member("other", false)], ["note global database"]],
            [[member("other", true)], []],
        ] as const) {
            const globalClusters = { found: [{ GlobalClusterMembers: [...members] }] };
            assert.deepEqual(told({ ...GOOD, globalClusters }), expected);
        }
    });

    it("asks for a login, and tells of a pending upgrade and of questions that AWS refused", () => {
        assert.deepEqual(told(GOOD, false), ["note master secret"]);
        const { MasterUserSecret: managed, ...without } = CLUSTER;
        assert.deepEqual(told({ ...GOOD, cluster: without }, false), ["must master secret"]);
        const impaired = { ...managed, SecretStatus: "impaired" };
        const facts = cluster({ MasterUserSecret: impaired });
        assert.deepEqual(told(facts, false), ["must master secret"]);
        assert.deepEqual(told(facts), []);
        assert.deepEqual(told(cluster({ PendingModifiedValues: { EngineVersion: "18.1" } })), [
            "should pending upgrade",
        ]);
        const refused = { refused: "not authorized" };
        assert.deepEqual(told({ ...GOOD, blueGreen: refused, globalClusters: refused }), [
            "should blue/green deployment",
            "should global database",
        ]);
    });

    describe("is read", () => {
        let server: Server;
        let answers: Readonly<Record<string, string>> = {};
        const environment = { ...process.env };
        before(async () => {
            server = createServer((request, response) => {
                void text(request).then((body) => {
                    const action = new URLSearchParams(body).get("Action") ?? "";
                    const answer = answers[action];
                    response.statusCode = answer === undefined ? 403 : 200;
                    response.setHeader("content-type", "text/xml");
                    response.end(
                        answer === undefined
                            ? `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: rds:${action}</Message></Error></ErrorResponse>`
                            : `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${answer}</${action}Result></${action}Response>`,
                    );
                });
            });
            await new Promise<void>((resolve) => {
                server.listen(0, "127.0.0.1", resolve);
            });
            Object.assign(process.env, {
                AWS_ENDPOINT_URL_RDS: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
                AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
                AWS_SECRET_ACCESS_KEY: "example",
            });
        });
        after(() => {
            process.env = environment;
            server.closeAllConnections();
            server.close();
        });

        it("of a cluster, with what it is a part of", async () => {
            answers = {
                DescribeDBClusters: `<DBClusters><DBCluster>
                    <DBClusterIdentifier>shop</DBClusterIdentifier><DBClusterArn>${CLUSTER_ARN}</DBClusterArn>
                    <Engine>aurora-postgresql</Engine><EngineMode>provisioned</EngineMode><Status>available</Status>
                    <DBClusterParameterGroup>shop-params</DBClusterParameterGroup>
                    <DBClusterMembers><DBClusterMember><IsClusterWriter>true</IsClusterWriter>
                        <DBInstanceIdentifier>shop-1</DBInstanceIdentifier>
                        <DBClusterParameterGroupStatus>pending-reboot</DBClusterParameterGroupStatus>
                    </DBClusterMember></DBClusterMembers>
                    <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId>
                        <Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>
                </DBCluster></DBClusters>`,
                DescribeDBInstances: `<DBInstances><DBInstance><DBInstanceIdentifier>shop-1</DBInstanceIdentifier>
                    <DBInstanceStatus>available</DBInstanceStatus><Engine>aurora-postgresql</Engine>
                    <DBParameterGroups><DBParameterGroup><DBParameterGroupName>own</DBParameterGroupName>
                        <ParameterApplyStatus>in-sync</ParameterApplyStatus></DBParameterGroup></DBParameterGroups>
                </DBInstance></DBInstances>`,
                DescribeGlobalClusters: `<GlobalClusters><GlobalClusterMember>
                    <GlobalClusterIdentifier>world</GlobalClusterIdentifier><GlobalClusterMembers>
                        <GlobalClusterMember><DBClusterArn>${CLUSTER_ARN}</DBClusterArn><IsWriter>false</IsWriter></GlobalClusterMember>
                        <GlobalClusterMember><DBClusterArn>arn:aws:rds:us-east-1:123456789012:cluster:first</DBClusterArn><IsWriter>true</IsWriter></GlobalClusterMember>
                    </GlobalClusterMembers></GlobalClusterMember></GlobalClusters>`,
            };
            const facts = await readRdsFacts(
                { kind: "auroraCluster", identifier: "shop" },
                "eu-west-1",
            );
            assert.deepEqual(told(facts), [
                "should parameter group",
                // Nobody has allowed the question.
                "should blue/green deployment",
                "must global database",
            ]);
            const [, , secondary] = rdsFindings(facts, { hasOwnSecret: true });
            assert.match(secondary?.mend ?? "", /arn:aws:rds:us-east-1:123456789012:cluster:first/);
        });

        it("of an instance, with its blue/green deployment", async () => {
            answers = {
                DescribeDBInstances: `<DBInstances><DBInstance><DBInstanceIdentifier>shop</DBInstanceIdentifier>
                    <DBInstanceArn>arn:aws:rds:eu-west-1:123456789012:db:shop</DBInstanceArn>
                    <DBInstanceStatus>available</DBInstanceStatus><Engine>postgres</Engine>
                    <MasterUserSecret><SecretStatus>active</SecretStatus></MasterUserSecret>
                </DBInstance></DBInstances>`,
                DescribeBlueGreenDeployments: `<BlueGreenDeployments><member>
                    <BlueGreenDeploymentIdentifier>bgd-1</BlueGreenDeploymentIdentifier>
                    <BlueGreenDeploymentName>to-18</BlueGreenDeploymentName><Status>AVAILABLE</Status>
                </member></BlueGreenDeployments>`,
            };
            const named = { kind: "rdsInstance", identifier: "shop" } as const;
            const found = told(await readRdsFacts(named, "eu-west-1"), false);
            // Asked for by either side of the deployment, so it comes twice here.
            assert.deepEqual(
                [...new Set(found)],
                ["must blue/green deployment", "note master secret"],
            );
        });

        it("not at all, and says so in one sentence, where the credentials may not", async () => {
            answers = {};
            await assert.rejects(
                readRdsFacts({ kind: "auroraCluster", identifier: "shop" }, "eu-west-1"),
                /^Error: AWS did not describe the auroraCluster "shop" .*\(AccessDenied: not authorized .*\); .*\.$/,
            );
        });
    });
});
