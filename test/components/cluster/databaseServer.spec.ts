import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "../../../components/cluster/databaseServer";
import { masterProvider } from "../../../components/cluster/postgresqlProvider";
import { AuditDatabase } from "../../../components/database/auditDatabase";
import { SourceDatabase } from "../../../components/database/sourceDatabase";
import { DEFAULT_GROUP } from "../../../trail/tableGroups";
import { Recorder } from "../support/mocks";
import { UNGUARDED } from "../support/unguarded";

/** A server that is no Aurora cluster. */
function instance(name: string): DatabaseServer {
    const host = `${name}.example.com`;
    return {
        host: pulumi.output(host),
        port: pulumi.output(6432),
        engineVersion: "16.4",
        caBundle: { file: "certs/ca.pem", path: "certs/ca.pem", pem: "" },
        dmsEngineName: "postgres",
        masterConnection: pulumi.secret({
            host,
            port: 6432,
            database: "shop",
            user: "boss",
            password: "x",
            caPath: "certs/ca.pem",
        }),
        masterSecretArn: pulumi.output(`arn:${name}`),
        psql: pulumi.output(`psql -h ${host}`),
        owner: new aws.rds.Instance(name, { instanceClass: "db.t3.medium" }),
    };
}

describe("a database server of another kind", function () {
    // The first script of a process has its provider serialised.
    this.timeout(60_000);

    it("has the databases, their provider and DMS's name for it", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const tables = [{ schema: "sales", table: "orders" }];
        const inDatabase = (name: string, server: DatabaseServer) => ({
            providers: { postgresql: masterProvider(name, server) },
        });
        const server = instance("first");
        const other = instance("second");
        const source = new SourceDatabase(
            "source",
            {
                server,
                databaseName: "shop",
                tables,
                groups: [{ name: DEFAULT_GROUP, tables }],
                columns: [],
                demoTable: false,
                otherServer: new aws.rds.Instance("other", { instanceClass: "db.t3.medium" }),
                sourceGuards: true,
                allowTruncate: [],
                allowKeyUpdates: [],
                fullReplicaIdentity: [],
                tags: {},
            },
            inDatabase("first", server),
        );
        const audit = new AuditDatabase(
            "audit",
            {
                server: other,
                databaseName: "shop",
                tables,
                groups: [{ name: DEFAULT_GROUP, tables }],
                columns: [],
                definitions: source.definitions,
                guard: UNGUARDED,
                tags: {},
            },
            inDatabase("second", other),
        );
        await recorder.settle(
            source.dmsSecretArn,
            audit.dmsSecretArn,
            source.tableMappings[DEFAULT_GROUP],
        );
        assert.deepEqual([source.dmsEngineName, audit.dmsEngineName], ["postgres", "postgres"]);
        for (const [name, database] of [
            ["first", "source"],
            ["second", "audit"],
        ] as const) {
            const provider = recorder.inputs("pulumi:providers:postgresql", name);
            assert.equal(provider["host"], `${name}.example.com`);
            assert.equal(provider["expectedVersion"], "16.4");
            const { secretString } = recorder.inputs(
                "aws:secretsmanager/secretVersion:SecretVersion",
                `${database}-dms-version`,
            );
            const { host, port } = JSON.parse(String(secretString)) as Record<string, unknown>;
            assert.deepEqual([host, port], [`${name}.example.com`, 6432]);
        }
    });
});
