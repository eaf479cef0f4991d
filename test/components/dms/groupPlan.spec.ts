import assert from "node:assert/strict";
import { deployedGroups } from "../../../components/dms/deployedGroups";
import type { DeployedGroup } from "../../../components/dms/groupNews";
import { type GroupPlan, planGroups } from "../../../components/dms/groupPlan";
import { tableMappings } from "../../../components/dms/tableMappings";
import { formatTableName, parseTableName } from "../../../trail/names";
import { replicatedBy, type TableGroup, tableGroups } from "../../../trail/tableGroups";

const group = (name: string, ...tables: readonly string[]): TableGroup => ({
    name,
    tables: tables.map(parseTableName),
});

const planOf = (wanted: readonly TableGroup[], deployed: readonly TableGroup[]): GroupPlan =>
    planGroups(
        wanted,
        deployed.map((one) => running(one)),
    );

/** The same group with its task, which remembers other tables. */
const running = (one: TableGroup, ...carriedBefore: readonly string[]): DeployedGroup => ({
    ...one,
    carriedBefore: carriedBefore.map(parseTableName),
});

const ordered = (wanted: readonly TableGroup[], deployed: readonly TableGroup[]): string[] =>
    planOf(wanted, deployed).groups.map(({ name, isLate, isGivenUp }) =>
        [name, ...(isLate ? ["late"] : []), ...(isGivenUp ? ["given up"] : [])].join(" "),
    );

describe("the plan for groups of tables", () => {
    it("says nothing of a first deployment, and makes the tasks in the order of the groups", () => {
        const wanted = [group("default", "a.t"), group("billing", "a.u")];
        const planned = wanted.map((one) => ({ ...one, isLate: true, isGivenUp: false }));
        const [first, second] = planned;
        assert.deepEqual(planGroups(wanted, []), {
            groups: planned,
            byName: [first, second],
            mayMove: true,
            news: { notes: [], warnings: [] },
        });
    });

    it("does nothing where nothing changes", () => {
        const groups = [group("default", "a.t"), group("billing", "a.u")];
        assert.deepEqual(planOf(groups, groups).news, { notes: [], warnings: [] });
        assert.deepEqual(ordered(groups, groups), ["default", "billing"]);
        assert.ok(!planOf([group("default", "a.t")], [group("default", "a.t")]).mayMove);
    });

    it("tells the databases of the groups in the same order in every update, whatever moves", () => {
        const all = ["a.t", "a.u", "a.v"];
        const before = [group("rest", "a.v"), group("default", "a.t"), group("billing", "a.u")];
        const moves = all.flatMap((moved) =>
            before.map(({ name }) =>
                before.map((one) => ({
                    ...one,
                    tables: all
                        .filter((table) =>
                            table === moved
                                ? one.name === name
                                : one.tables.some((its) => formatTableName(its) === table),
                        )
                        .map(parseTableName),
                })),
            ),
        );
        const orders = moves.flatMap((wanted) =>
            [[], before, wanted].map((deployed) =>
                planOf(wanted, deployed).byName.map(({ name }) => name),
            ),
        );
        for (const order of orders) {
            assert.deepEqual(order, ["default", "billing", "rest"]);
        }
    });

    it("says of a table that comes whether the tables of a running group wait for it", () => {
        const deployed = [group("default", "a.t")];
        const joined = planOf([group("default", "a.t", "a.u")], deployed).news;
        assert.match(joined.notes.join(), /^a\.u joins the running group default: its task is st/u);
        const own = planOf([group("default", "a.t"), group("billing", "a.u")], deployed).news;
        assert.match(own.notes.join(), /^a\.u joins the new group billing: a task of its own/u);
        assert.deepEqual([joined.warnings, own.warnings], [[], []]);
    });

    it("lets a task go of a table before another one gets it, in both directions", () => {
        const both = [group("default", "a.t", "a.v"), group("billing", "a.u")];
        const left = [group("default", "a.t"), group("billing", "a.u", "a.v")];
        assert.deepEqual(ordered(left, both), ["default", "billing late"]);
        assert.deepEqual(ordered(both, left), ["billing", "default late"]);
        assert.match(
            planOf(left, both).news.warnings.join(),
            /^a\.v moves from the group default to the group billing: .* a row of audit_trail\.gap says so/u,
        );
    });

    it("says of a table that leaves the list what stays, what is not recorded and how it comes back", () => {
        const deployed = [group("default", "a.t", "a.u"), group("billing", "a.v")];
        const { notes, warnings } = planOf([group("default", "a.t")], deployed).news;
        assert.deepEqual(notes, []);
        assert.deepEqual(
            warnings.map((sentence) => sentence.split(/[:;,]/u)[0]),
            ["a.u leaves the list", "a.v leaves the list", "The group billing ends"],
        );
        assert.match(
            warnings[0] ?? "",
            /its log and its gaps stay, and what is committed from now on is in no log\. To have it back, list it again/u,
        );
    });

    it("plans a reload of a table that its task has carried before, whichever way it comes back", () => {
        const plain = running(group("default", "a.t"), "a.u");
        const listed = planGroups([group("default", "a.t", "a.u")], [plain]).news;
        assert.match(
            listed.warnings.join("\n"),
            /^a\.u comes back to the group default\. .* may not load it by itself: .*end_reload\('a', 'u'\)/u,
        );
        const known = planGroups(
            [group("default", "a.t", "a.u")],
            [{ ...plain, taskArn: "arn:a" }],
        );
        assert.match(
            known.news.warnings.join("\n"),
            /ask DMS to reload the table: aws dms reload-tables --replication-task-arn arn:a --tables-to-reload '\[\{"SchemaName":"a","TableName":"u"\}\]'\. After/u,
        );
        const billing = group("billing", "a.u");
        const returned = planGroups(
            [group("default", "a.t", "a.u")],
            [plain, running(billing)],
        ).news;
        assert.match(
            returned.warnings[0] ?? "",
            /^a\.u moves from the group billing to the group default: .* has carried it before, /u,
        );
        // A task that never had it loads it, and so does the new task of a group that ended and begins again.
        const other = planGroups([group("default", "a.t"), group("more", "a.u")], [plain]).news;
        assert.deepEqual(other.warnings, []);
        const moved = planGroups(
            [group("default", "a.t"), group("more", "a.u")],
            [plain, running(billing)],
        ).news;
        assert.match(moved.warnings[0] ?? "", /The new task loads it again\./u);
    });

    it("lets no group give and get in one update, by whatever way round", () => {
        const deployed = [group("a", "x.1"), group("b", "x.2"), group("c", "x.3")];
        const swapped = [group("a", "x.2"), group("b", "x.1"), group("c", "x.3")];
        const turned = [group("a", "x.3"), group("b", "x.1"), group("c", "x.2")];
        const passed = [group("a", "x.4"), group("b", "x.1"), group("c", "x.3", "x.2")];
        for (const wanted of [swapped, turned, passed]) {
            assert.throws(() => planOf(wanted, deployed), /in two steps, with an update after/u);
        }
        // What leaves the list goes to no other task.
        assert.deepEqual(ordered([group("a", "x.1", "x.2"), group("c", "x.3")], deployed), [
            "b given up",
            "c",
            "a late",
        ]);
        assert.deepEqual(ordered([group("a", "x.2"), group("c", "x.3")], deployed), [
            "b given up",
            "c",
            "a late",
        ]);
    });

    it("keeps the task of a group that is given up until the others have its tables, and then not", () => {
        const deployed = [group("default", "a.t"), group("billing", "a.u")];
        const wanted = [group("default", "a.t", "a.u")];
        assert.deepEqual(ordered(wanted, deployed), ["billing given up", "default late"]);
        assert.match(
            planOf(wanted, deployed).news.warnings.join("\n"),
            /^The group billing ends: /mu,
        );
        assert.ok(planOf(wanted, deployed).mayMove);
        const next = [group("default", "a.t", "a.u"), group("billing")];
        assert.deepEqual(planOf(wanted, next).news, {
            notes: [
                "The task of the group billing carries nothing any more: it is deleted with its slot.",
            ],
            warnings: [],
        });
        assert.deepEqual(ordered(wanted, next), ["default"]);
        // And the other way round: no table is left in the default group.
        assert.deepEqual(ordered([group("billing", "a.t", "a.u")], deployed), [
            "default given up",
            "billing late",
        ]);
    });

    it("finds in the state what each task carries, a partitioned table for its partitions", () => {
        const replicated = [
            { schema: "a", table: "t" },
            ...["p1", "p2"].map((table) => ({
                schema: "a",
                table,
                partitionOf: { schema: "a", table: "P.q" },
            })),
            { schema: "audit_trail", table: "marker" },
        ];
        const groups = tableGroups([{ schema: "a", table: "t" }], [group("billing", 'a."P.q"')]);
        const urn = (type: string, name: string): string =>
            `urn:pulumi:dev::audit-trail::auditTrail:index:Some$${type}::${name}`;
        const task = "aws:dms/replicationTask:ReplicationTask";
        const catalog = "dev-source-database-catalog";
        const mapping = (of: TableGroup): string =>
            JSON.stringify(tableMappings(replicatedBy(of, replicated), "1f"));
        const [first = group(""), second = group("")] = groups;
        // As readStackResourceOutputs has them.
        const state = new Map<string, unknown>([
            // Of a version that read one catalog for all groups.
            [
                urn("pulumi-nodejs:dynamic/auditTrail:SourceCatalog", catalog),
                { outputs: { replicated, tables: [{ schema: "a", table: "t" }] } },
            ],
            [
                urn("pulumi-nodejs:dynamic/auditTrail:SourceCatalog", `${catalog}-billing`),
                {
                    outputs: {
                        replicated: [],
                        carried: [
                            ...["P.q", "gone"].map((table) => ({ schema: "a", table })),
                            { schema: "audit_trail", table: "marker" },
                        ],
                    },
                },
            ],
            [urn(task, "dev-task"), { outputs: { tableMappings: mapping(first) } }],
            [urn(task, "dev-task-billing"), { outputs: { tableMappings: mapping(second) } }],
            [urn(task, "other-task"), { outputs: { tableMappings: mapping(second) } }],
            [urn("aws:ec2/vpc:Vpc", "dev-task"), { outputs: {} }],
            [urn("auditTrail:index:Network", "dev"), {}],
        ]);
        assert.deepEqual(deployedGroups(state, "dev"), [running(first), running(second, "a.gone")]);
        assert.deepEqual(deployedGroups(new Map(), "dev"), []);
        const arn = "arn:aws:dms:eu-west-1:123456789012:task:A";
        const withArns = [...state].map(([urn, resource]) => {
            const outputs = {
                ...(resource as { outputs: object }).outputs,
                replicationTaskArn: arn,
            };
            return [urn, { outputs }] as const;
        });
        assert.deepEqual(deployedGroups(new Map(withArns), "dev"), [
            { ...running(first), taskArn: arn },
            { ...running(second, "a.gone"), taskArn: arn },
        ]);
    });
});
