import assert from "node:assert/strict";
import type { ResourceHook } from "@pulumi/pulumi";
import { ReplacementGuard, type ReplacementGuardArgs } from "../../components/replacementGuard";
import { nameOf } from "../../components/stackState";
import { Recorder } from "./support/mocks";
import { leastConfig, runProgram } from "./support/program";

/** What loses data when another one takes its place. */
const GUARDED = [
    "aws:dms/replicationTask:ReplicationTask audit-trail-dev-task",
    "aws:ec2/vpc:Vpc audit-trail-dev-vpc",
    "aws:rds/cluster:Cluster audit-trail-dev-audit-cluster",
    "aws:rds/cluster:Cluster audit-trail-dev-source-cluster",
    "aws:rds/clusterInstance:ClusterInstance audit-trail-dev-audit-instance-1",
    "aws:rds/clusterInstance:ClusterInstance audit-trail-dev-source-instance-1",
    "pulumi-nodejs:dynamic/auditTrail:SqlScript audit-trail-dev-audit-database-tables",
];

const TYPE = "aws:dms/replicationTask:ReplicationTask";
const URN = `urn:pulumi:dev::audit-trail::auditTrail:index:DmsReplication$${TYPE}::dev-task`;

describe("ReplacementGuard", function () {
    this.timeout(60_000);

    /** Creates the task under a guard, as the engine does in a preview and in an update. */
    async function create(args: Partial<ReplacementGuardArgs>): Promise<void> {
        const guard = new ReplacementGuard({
            deletionProtection: false,
            acknowledged: [],
            deployed: new Set([URN]),
            ...args,
        });
        const hooks = (guard.optionsFor("dev-task").hooks.beforeCreate ?? []) as ResourceHook[];
        for (const { callback, opts } of hooks) {
            assert.equal(opts?.onDryRun, true, "a preview is not refused");
            await callback({ urn: URN, id: "", name: "dev-task", type: TYPE });
        }
    }

    before(async () => {
        await new Recorder().install();
    });

    it("refuses to create what the stack has already, and says what is lost and how to go on", async () => {
        await assert.rejects(create({}), {
            message:
                "This update would replace dev-task: its replication slot goes with it, and so do the changes that it has not carried yet. Take the change back, or, if that is meant, name it with \"pulumi config set --path 'acknowledgeReplacement[0]' dev-task\".",
        });
    });

    it("sends whoever would replace a server or the network to another deployment, whatever the config names", async () => {
        for (const type of ["rds/cluster:Cluster", "rds/instance:Instance", "ec2/vpc:Vpc"]) {
            const urn = `urn:pulumi:dev::audit-trail::aws:${type}::db`;
            for (const acknowledged of [[], ["db"], [urn]]) {
                const guard = new ReplacementGuard({
                    deletionProtection: true,
                    acknowledged,
                    deployed: new Set([urn]),
                });
                const { protect, hooks } = guard.lastingOptionsFor("db");
                assert.equal(protect, true);
                const [hook] = (hooks.beforeCreate ?? []) as ResourceHook[];
                const step = { urn, id: "", name: "db", type: `aws:${type}` };
                await assert.rejects(
                    async () => hook?.callback(step),
                    /^Error: This update would replace db: .+\. Take the change back, or destroy the stack and deploy it anew\.$/,
                );
            }
        }
    });

    it("refuses to let another server or network take the place of the stack's", () => {
        const urn = (type: string, name: string): string =>
            `urn:pulumi:dev::audit-trail::auditTrail:index:Server$aws:${type}::${name}`;
        const made = ["dev-vpc", "dev-source-cluster", "dev-audit-instance"];
        const leaves = (...others: readonly string[]): void => {
            const guard = new ReplacementGuard({
                deletionProtection: false,
                acknowledged: others.map((other) => nameOf(other)),
                deployed: new Set([urn("ec2/vpc:Vpc", "dev-vpc"), ...others]),
            });
            made.forEach((name) => guard.lastingOptionsFor(name));
            guard.refuseLeavers();
        };
        leaves();
        // Whose leaving loses nothing, and what is the stack's business.
        leaves(
            urn("rds/clusterInstance:ClusterInstance", "dev-source-instance-2"),
            urn(TYPE.slice("aws:".length), "dev-task-billing"),
            urn("rds/cluster:Cluster", "dev-source-cluster"),
        );
        for (const [type, name] of [
            ["rds/cluster:Cluster", "dev-audit-cluster"],
            ["rds/instance:Instance", "dev-source-instance"],
            ["ec2/vpc:Vpc", "dev-other-vpc"],
        ] as const) {
            assert.throws(
                () => {
                    leaves(urn(type, name));
                },
                new RegExp(
                    `^Error: This update would delete ${name}: .+\\. Take the change back, or destroy the stack and deploy it anew\\.$`,
                ),
            );
        }
    });

    it("lets a first deployment create it, also one that follows a failed one", async () => {
        await create({ deployed: new Set() });
        await create({ deployed: new Set([`${URN}-another`]) });
    });

    it("lets pass what the config names, by name or URN, and nothing that it does not name in full", async () => {
        await create({ acknowledged: ["dev-task"] });
        await create({ acknowledged: ["dev-other", URN] });
        for (const wrong of ["dev-tas", "task", "*", URN.replace("dev-task", "dev-task2")]) {
            await assert.rejects(create({ acknowledged: [wrong] }), /would replace dev-task/);
        }
    });

    it("also protects in a protected stack, until the config names the resource", () => {
        const protects = (deletionProtection: boolean, ...acknowledged: string[]): boolean =>
            new ReplacementGuard({
                deletionProtection,
                acknowledged,
                deployed: new Set(),
            }).optionsFor("dev-task").protect;
        assert.equal(protects(true), true);
        assert.equal(protects(true, "another"), true);
        assert.equal(protects(true, "dev-task"), false);
        assert.equal(protects(true, URN), false);
        assert.equal(protects(false), false);
    });

    it("guards the task, the network, the clusters, their instances, and the logs with their staging tables", async () => {
        const run = await runProgram(leastConfig);
        const guarded = run
            .resources()
            .filter(({ beforeCreate }) => beforeCreate.includes("refuse replacement"));
        assert.deepEqual(guarded.map(({ type, name }) => `${type} ${name}`).sort(), GUARDED);
        assert.ok(guarded.every(({ protect }) => protect));
    });
});
