import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import {
    loginIn,
    type RdsDescription,
    unfitSource,
} from "../../../components/cluster/sourceLookup";
import { PROJECT_ROOT } from "../../../local/engine/paths";
import { authorityFiles, ensureAuthority } from "../../../local/servers/tls";
import { Findings } from "../../../policy/engine/findings";
import { StackView } from "../../../policy/engine/stackView";
import { rules } from "../../../policy/registry";
import { claimProblems } from "../../../trail/sourceClaim";
import { isWrappedSecret, MOCK_PASSWORD } from "../support/mocks";
import { leastConfig, type ProgramRun, runProgram } from "../support/program";
import { policyResources } from "../support/recordedStack";

const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const ROLE = "postgresql:index/role:Role";
const VERSION = "aws:secretsmanager/secretVersion:SecretVersion";

async function runWith(source: unknown, others: Readonly<Record<string, string>> = {}) {
    return await runProgram({
        ...leastConfig,
        "audit-trail:network": JSON.stringify({
            vpcId: "vpc-0123456789abcdef0",
            privateSubnetIds: ["subnet-0123456789abcdefa", "subnet-0123456789abcdefb"],
            hostSubnetId: "subnet-0123456789abcdefc",
        }),
        "audit-trail:source": JSON.stringify(source),
        ...others,
    });
}

function names(run: ProgramRun, type: string): string[] {
    return run.recorder
        .all(type)
        .map(({ name }) => name.replace("audit-trail-dev-", ""))
        .filter((name) => name.includes("source"));
}

const KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012";

describe("an existing source", function () {
    this.timeout(60_000);
    let folder = "";
    before(async () => {
        folder = await mkdtemp(path.join(PROJECT_ROOT, ".local-test-ca-"));
        await ensureAuthority(folder);
    });
    after(async () => {
        await rm(folder, { recursive: true });
    });

    it("of RDS takes the place of the source cluster, and only the stack's own groups get a rule", async () => {
        const run = await runWith({ auroraCluster: "shop", databaseName: "shop" });
        const { recorder, outputs } = run;
        recorder.assertNoDuplicates();
        assert.deepEqual(names(run, "aws:rds/cluster:Cluster"), []);
        assert.match(
            String(outputs["sourcePsql"]),
            /host=shop.cluster-1.example.com port=5432 dbname=shop user=boss/,
        );
        assert.equal(
            outputs["sourceClusterArn"],
            "arn:aws:rds:us-east-1:123456789012:cluster:shop",
        );
        assert.match(String(outputs["sourceMasterSecretArn"]), /secret:m$/);
        assert.deepEqual(run.secretOutputs, []);
        assert.deepEqual(names(run, EGRESS), ["host-to-source", "dms-to-source"]);
        assert.deepEqual(names(run, INGRESS), []);
        const source = recorder.inputs(ROLE, "audit-trail-dev-source-database-dms");
        assert.deepEqual(source["roles"], ["rds_replication", "rds_superuser"]);
        const endpoints = recorder.all("aws:dms/endpoint:Endpoint");
        assert.deepEqual(
            endpoints.map(({ inputs }) => inputs["engineName"]),
            ["aurora-postgresql", "aurora-postgresql"],
        );
    });

    it("lets DMS and the host in where the config names its group", async () => {
        const group = "sg-0aaaaaaaaaaaaaaaa";
        const run = await runWith({ rdsInstance: "shop", allowedSecurityGroup: group });
        assert.deepEqual(names(run, INGRESS), ["source-from-host", "source-from-dms"]);
        const rule = run.recorder.inputs(INGRESS, "audit-trail-dev-source-from-dms");
        assert.deepEqual([rule["securityGroupId"], rule["fromPort"]], [group, 5432]);
    });

    it("by its host has its own authorities, a login of its own in a secret, and no role of RDS", async () => {
        const run = await runWith(
            {
                host: "db.example.com",
                port: 6432,
                username: "boss",
                cidr: "10.1.0.0/16",
                caBundle: path.relative(PROJECT_ROOT, authorityFiles(folder).certPath),
            },
            {
                "audit-trail:sourcePassword": `${MOCK_PASSWORD}own`,
                "audit-trail:kmsKeyArn": KEY,
            },
        );
        const { recorder } = run;
        const secrets = recorder.all("aws:secretsmanager/secret:Secret");
        assert.deepEqual([...new Set(secrets.map(({ inputs }) => inputs["kmsKeyId"]))], [KEY]);
        assert.equal(recorder.all("aws:dms/certificate:Certificate").length, 2);
        const endpoint = recorder.inputs("aws:dms/endpoint:Endpoint", "audit-trail-dev-source");
        assert.equal(endpoint["engineName"], "postgres");
        assert.match(String(endpoint["certificateArn"]), /source-ca$/);
        const role = recorder.inputs(ROLE, "audit-trail-dev-source-database-dms");
        assert.deepEqual([role["roles"], role["replication"]], [[], true]);
        const provider = recorder.inputs("pulumi:providers:postgresql", "audit-trail-dev-source");
        assert.match(String(provider["sslrootcert"]), /^\.local-test-ca-/);
        for (const { name, inputs } of recorder.resources.filter(({ type }) => type === VERSION)) {
            assert.ok(isWrappedSecret(inputs["secretString"]), name);
        }
        assert.equal(
            recorder.inputs(EGRESS, "audit-trail-dev-dms-to-source")["cidrIpv4"],
            "10.1.0.0/16",
        );
    });

    it("passes the policies about the whole stack", async () => {
        const run = await runWith({ auroraCluster: "shop" });
        const view = new StackView(policyResources(run.resources()));
        const found: string[] = [];
        for (const rule of rules) {
            if (rule.scope === "stack") {
                const findings = new Findings((message) => found.push(`${rule.name}: ${message}`));
                rule.judge(view, findings, {});
            }
        }
        assert.deepEqual(found, []);
    });

    const fit: RdsDescription = {
        identifier: "shop",
        engine: "aurora-postgresql",
        engineVersion: "17.7",
        host: "shop.example.com",
        securityGroupIds: ["sg-1"],
    };
    const unfit: readonly [Partial<RdsDescription>, RegExp][] = [
        [{ engine: "aurora-mysql" }, /has the engine aurora-mysql/],
        [{ engineMode: "serverless" }, /Aurora Serverless v1/],
        [{ engineVersion: "13.9" }, /has version 13\.9, but .*; upgrade it first/],
        [{ engineVersion: "18.1" }, /does not document PostgreSQL 18/],
        [{ securityGroupIds: [] }, /no security group/],
        [{ host: "" }, /no address in a VPC/],
    ];
    it("is refused where AWS says already that it cannot be one", () => {
        assert.equal(unfitSource("auroraCluster", fit), undefined);
        assert.equal(unfitSource("auroraCluster", { ...fit, engineVersion: "15.10.1" }), undefined);
        for (const [change, reason] of unfit) {
            assert.match(unfitSource("auroraCluster", { ...fit, ...change }) ?? "", reason);
        }
        const instance = { ...fit, engine: "postgres" };
        assert.equal(unfitSource("rdsInstance", instance), undefined);
        assert.match(
            unfitSource("rdsInstance", { ...fit, clusterIdentifier: "shop-c" }) ?? "",
            /is an instance of the Aurora cluster "shop-c".*auroraCluster shop-c"\.$/,
        );
        assert.match(
            unfitSource("rdsInstance", { ...instance, replicaOf: "main" }) ?? "",
            /is a read replica of "main"/,
        );
    });

    it("is refused without what the login has to be allowed, all at once", () => {
        const good = {
            version: "17.7",
            is_standby: false,
            has_rds_roles: true,
            may_create_roles: true,
            may_give_replication: false,
            may_create_schemas: true,
            slots: [],
            roles: [],
            schemas: [],
        };
        assert.deepEqual(claimProblems(good, "boss"), []);
        const bad = {
            ...good,
            has_rds_roles: false,
            may_create_roles: false,
            may_create_schemas: false,
            is_standby: true,
            roles: ["audit_trail_dms_source"],
        };
        assert.equal(claimProblems(bad, "boss").length, 5);
    });

    it("says nothing of a secret that is none", () => {
        for (const text of ['swordfish"', '{"username":"swordfish"}', "null", "[]"]) {
            assert.throws(
                () => loginIn(text, "arn:x"),
                (error: Error) => {
                    assert.match(
                        error.message,
                        /^The secret arn:x of the source's login is not JSON/,
                    );
                    return !error.message.includes("swordfish");
                },
            );
        }
    });
});
