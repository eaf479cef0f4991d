import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rules } from "../policy/registry";
import { isWrappedSecret, MOCK_PASSWORD } from "./components/support/mocks";
import { leastConfig, type ProgramRun, runProgram } from "./components/support/program";
import { judgeResource } from "./policy/support/judge";

describe("the program", function () {
    this.timeout(60_000);
    let run: ProgramRun;

    before(async () => {
        run = await runProgram({
            ...leastConfig,
            "audit-trail:tables": '["public.items", "sales.orders", "sales.order_lines"]',
            "audit-trail:demoTable": "true",
            "audit-trail:databaseAccess": "ssh",
            "audit-trail:sshCidr": "203.0.113.0/24",
            "audit-trail:keyName": "my-ec2-keypair",
        });
    });

    it("registers no two resources under one name", () => {
        run.recorder.assertNoDuplicates();
    });

    it("registers the whole trail: a function for each table, and one script for what all tables need", () => {
        const { recorder } = run;
        assert.equal(recorder.all("aws:rds/cluster:Cluster").length, 2);
        assert.equal(recorder.all("aws:dms/endpoint:Endpoint").length, 2);
        assert.equal(recorder.all("aws:dms/replicationTask:ReplicationTask").length, 1);
        assert.equal(recorder.all("auditTrail:index:AuditedTable").length, 4);
        assert.equal(recorder.all("postgresql:index/function:Function").length, 4);
        const scripts = recorder.all("pulumi-nodejs:dynamic/auditTrail:SqlScript");
        assert.deepEqual(scripts.map(({ name }) => name.replace("audit-trail-dev-", "")).sort(), [
            "audit-database-foundation",
            "audit-database-marker-gaps",
            "audit-database-retired",
            "audit-database-tables",
            "audit-database-users",
            "source-database-grants",
            "source-database-guards",
            "source-database-items",
            "source-database-marker",
            "source-database-unguarded",
        ]);
    });

    it("gives every component a token of its own module and every child the component's name", () => {
        for (const { type, name, custom } of run.recorder.resources) {
            if (!custom) {
                assert.match(type, /^auditTrail:index:[A-Z][A-Za-z]+$/);
            }
            assert.ok(name.startsWith("audit-trail-dev"), name);
        }
    });

    it("obeys every rule of its own policy pack", async () => {
        const judged = new Set<string>();
        const single = rules.filter((rule) => rule.scope === "resource");
        for (const type of new Set(run.recorder.resources.map((resource) => resource.type))) {
            const applicable = single.filter(({ types }) => types.some((one) => one === type));
            for (const { name, inputs } of run.recorder.all(type)) {
                for (const rule of applicable) {
                    const verdict = await judgeResource(rule, { type, name, properties: inputs });
                    assert.deepEqual(
                        [...verdict.mandatory, ...verdict.advisory],
                        [],
                        `${rule.name} refuses ${name}`,
                    );
                    judged.add(rule.name);
                }
            }
        }
        // Rules about types that the program does not use are not judged.
        assert.ok(judged.size > 20, `${judged.size} of ${single.length}`);
    });

    it("passes every password as a secret, wherever it goes", () => {
        const wrapped = (type: string, key: string): boolean[] =>
            run.recorder.resources
                .filter((resource) => resource.type === type)
                .map(({ inputs }) => isWrappedSecret(inputs[key]));
        const scripts = wrapped("pulumi-nodejs:dynamic/auditTrail:SqlScript", "connection");
        const secrets = [
            ...wrapped("aws:rds/cluster:Cluster", "masterPassword"),
            ...wrapped("aws:secretsmanager/secretVersion:SecretVersion", "secretString"),
            ...wrapped("pulumi:providers:postgresql", "password"),
            ...scripts,
        ];
        assert.equal(secrets.length, 2 + 4 + 2 + scripts.length);
        assert.deepEqual([...new Set(secrets)], [true]);
    });

    it("keeps the bundle of certificates out of every script, and so out of the state", () => {
        const scripts = run.recorder.all("pulumi-nodejs:dynamic/auditTrail:SqlScript");
        for (const { name, inputs } of scripts) {
            assert.ok(!JSON.stringify(inputs).includes("BEGIN CERTIFICATE"), name);
        }
    });

    it("shows no password in clear in any input but those", () => {
        for (const { type, name, inputs } of run.recorder.resources) {
            const clear = JSON.stringify(inputs, (_key, value: unknown) =>
                isWrappedSecret(value) ? undefined : value,
            );
            assert.ok(!clear.includes(MOCK_PASSWORD), `${type} ${name}`);
        }
    });

    it("has outputs to connect with, none of them a secret", () => {
        assert.deepEqual(run.secretOutputs, []);
        assert.equal(
            run.outputs["sourcePsql"],
            'psql "host=audit-trail-dev-source-cluster.example.com port=5432 dbname=appdb user=postgres sslmode=verify-full sslrootcert=certs/rds-ca-bundle.pem"',
        );
        assert.match(String(run.outputs["auditEndpoint"]), /audit/);
        assert.match(String(run.outputs["auditMasterSecretArn"]), /^arn:.*master/);
        for (const value of Object.values(run.outputs)) {
            assert.ok(!String(value).includes(MOCK_PASSWORD));
        }
    });

    it("leaves out what is switched off", async () => {
        const { recorder } = await runProgram({
            ...leastConfig,
            "audit-trail:createDmsRoles": "false",
            "audit-trail:privateEndpoints": "false",
            // A network that is there, without a subnet for a host.
            "audit-trail:network": JSON.stringify({
                vpcId: "vpc-0123456789abcdef0",
                privateSubnetIds: ["subnet-0123456789abcdefa", "subnet-0123456789abcdefb"],
            }),
        });
        assert.equal(recorder.all("auditTrail:index:DmsRoles").length, 0);
        assert.equal(recorder.all("aws:ec2/vpcEndpoint:VpcEndpoint").length, 0);
        assert.equal(recorder.all("aws:iam/role:Role").length, 1);
        const types = new Set(recorder.resources.map(({ type }) => type));
        assert.deepEqual(
            [...types].filter((type) => type.startsWith("aws:ec2/")),
            ["aws:ec2/securityGroup:SecurityGroup"],
        );
        const scripts = recorder.all("pulumi-nodejs:dynamic/auditTrail:SqlScript");
        assert.ok(scripts.every(({ name }) => !name.endsWith("-items")));
    });

    it("says to every session and every command how the databases are reached", async () => {
        const connectionsOf = ({ recorder }: ProgramRun): string =>
            JSON.stringify(
                recorder.resources
                    .filter(({ type }) => /:(SqlScript|SourceCatalog)$/.test(type))
                    .map(({ inputs }) => inputs["connection"]),
            );
        const ssh = { host: "192.0.2.7", hostKey: "", kind: "ssh", port: 22, user: "ec2-user" };
        assert.deepEqual(run.outputs["databaseRoute"], ssh);
        assert.equal(connectionsOf(run).split(JSON.stringify(ssh)).length, 1 + 11);

        const ssm = await runProgram({ ...leastConfig, "aws:profile": "deploy" });
        const route = {
            instanceId: "audit-trail-dev-host-instance-id",
            kind: "ssm",
            profile: "deploy",
            region: "us-east-1",
        };
        assert.deepEqual(ssm.outputs["databaseRoute"], route);
        assert.ok(connectionsOf(ssm).includes(JSON.stringify(route)));
        const host = ssm.recorder.inputs("aws:ec2/instance:Instance");
        assert.equal(host["associatePublicIpAddress"], false);
        assert.equal(host["keyName"], undefined);

        const direct = await runProgram({
            ...leastConfig,
            "audit-trail:databaseAccess": "direct",
            "audit-trail:psqlHost": "false",
        });
        assert.deepEqual(direct.outputs["databaseRoute"], { kind: "direct" });
        assert.equal(direct.outputs["hostId"], undefined);
        const kinds = direct.recorder.resources.map(({ type }) => type).join();
        assert.ok(!/InternetGateway|ec2\/instance|PsqlHost|InstanceProfile/.test(kinds), kinds);
        assert.ok(!connectionsOf(direct).includes("route"));
        const own = await runProgram({
            ...leastConfig,
            "audit-trail:databaseAccess": "ssh",
            "audit-trail:sshHost": "me@bastion.example.com:2222",
            "audit-trail:sshHostKey": `SHA256:${"a".repeat(43)}`,
        });
        assert.deepEqual(own.outputs["databaseRoute"], {
            ...{ kind: "ssh", host: "bastion.example.com", port: 2222, user: "me" },
            hostKey: `SHA256:${"a".repeat(43)}`,
        });
    });

    it("has a bucket with the program of audit-verify where the host reads the secrets, and only there", async () => {
        const types = ({ recorder }: ProgramRun): string =>
            recorder.resources.map(({ type }) => type).join();
        assert.ok(!types(run).includes("aws:s3/"));
        const { recorder } = await runProgram({
            ...leastConfig,
            "audit-trail:tables": '["public.items", "sales.orders"]',
            "audit-trail:hostSecrets": "master",
            "audit-trail:sourceGuards": "false",
        });
        const { content } = recorder.inputs("aws:s3/bucketObjectv2:BucketObjectv2");
        assert.ok(
            String(content).includes('{tables:["public.items","sales.orders"],guardsExpected:!1}'),
        );
        const { value } = recorder.inputs("aws:ssm/parameter:Parameter");
        const { verify } = JSON.parse(String(value)) as Record<string, Record<string, string>>;
        assert.deepEqual(verify, {
            bucket: "audit-trail-dev-verify-bucket-id",
            key: "audit-verify.cjs",
            versionId: "v1",
            sha256: createHash("sha256").update(String(content)).digest("hex"),
        });
    });

    it("keeps the names of two stacks apart", async () => {
        const names = (recorder: ProgramRun["recorder"]): unknown[] =>
            recorder
                .all("aws:rds/cluster:Cluster")
                .map(({ inputs }) => inputs["clusterIdentifier"]);
        const other = await runProgram(leastConfig, "Prod_EU");
        assert.deepEqual(names(run.recorder).sort(), [
            "audit-trail-dev-audit",
            "audit-trail-dev-source",
        ]);
        assert.deepEqual(names(other.recorder).sort(), [
            "audit-trail-prod-eu-audit",
            "audit-trail-prod-eu-source",
        ]);
    });

    it("ends with one sentence when the config is wrong", async () => {
        await assert.rejects(
            runProgram({ ...leastConfig, "audit-trail:sshCidr": "0.0.0.0/0" }),
            /^Error: The config key audit-trail:sshCidr is "0.0.0.0\/0", but it would open SSH to the whole internet; set it with/,
        );
        await assert.rejects(
            runProgram({ ...leastConfig, "audit-trail:caBundle": "certs/absent.pem" }),
            /certs\/absent\.pem that the config key audit-trail:caBundle names cannot be read/,
        );
    });
});
