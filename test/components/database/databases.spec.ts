import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { SqlBatch } from "../../../components/database/sqlScript";
import type { TableMappings } from "../../../components/dms/tableMappings";
import { retirementBatches } from "../../../trail/auditDeployment";
import { dmsSession } from "../../../trail/dmsSession";
import { auditGrants, sourceGrants } from "../../../trail/grants";
import { parseTableName } from "../../../trail/names";
import { roles } from "../../../trail/rolesAndSchemas";
import { DEFAULT_GROUP } from "../../../trail/tableGroups";
import { isWrappedSecret, mockColumnsHash, type Registered } from "../support/mocks";
import { leastConfig, type ProgramRun, runProgram } from "../support/program";

const SCRIPT = "pulumi-nodejs:dynamic/auditTrail:SqlScript";
const CATALOG = "pulumi-nodejs:dynamic/auditTrail:SourceCatalog";
const TASK = "aws:dms/replicationTask:ReplicationTask";

describe("the databases", function () {
    this.timeout(60_000);
    let run: ProgramRun;
    before(async () => {
        run = await runProgram({
            ...leastConfig,
            "audit-trail:tables": '["public.items", "Sales.Orders", "Sales.lines"]',
            "audit-trail:demoTable": "true",
        });
    });

    const inSource = ({ name }: Registered): boolean => name.includes("-source-database-");
    /** Position at which a resource was registered; it waits for what it depends on. */
    const position = (suffix: string): number => {
        const found = run.recorder.resources.findIndex(({ name }) => name.endsWith(suffix));
        assert.ok(found >= 0, suffix);
        return found;
    };
    const batchesOf = (suffix: string): SqlBatch[] => {
        const [script] = run.recorder.all(SCRIPT).filter(({ name }) => name.endsWith(suffix));
        return script?.inputs["batches"] as SqlBatch[];
    };

    it("use the provider of their own cluster and no other", () => {
        for (const { type, name, provider } of run.recorder.resources) {
            if (!type.startsWith("postgresql:")) {
                continue;
            }
            const cluster = name.includes("-source-") ? "source" : "audit";
            assert.match(provider, new RegExp(`::audit-trail-dev-${cluster}::`), name);
        }
    });

    it("give DMS's source user what the guide asks for and the audited tables", () => {
        // On the Role itself: an update of a Role revokes what GrantRole resources gave it.
        const [role] = run.recorder.all("postgresql:index/role:Role").filter(inSource);
        assert.deepEqual(role?.inputs["roles"], ["rds_replication", "rds_superuser"]);
    });

    it("keep rights in SQL, where a table that is gone is in nobody's way", () => {
        const kinds = new Set(
            run.recorder.resources
                .map(({ type }) => type)
                .filter((type) => type.startsWith("postgresql:")),
        );
        assert.deepEqual([...kinds].sort(), [
            "postgresql:index/function:Function",
            "postgresql:index/role:Role",
            "postgresql:index/schema:Schema",
        ]);
        const audited = [
            { schema: "public", table: "items" },
            { schema: "Sales", table: "Orders" },
            { schema: "Sales", table: "lines" },
            { schema: "audit_trail", table: "marker" },
        ];
        assert.deepEqual(
            batchesOf("-source-database-grants").map(({ files }) => files),
            [[dmsSession(roles.source)], [sourceGrants(audited)]],
        );
        // Every script that acts as the owner begins with the membership in it.
        for (const script of ["-foundation", "-tables", "-marker-gaps", "-retired"]) {
            const [first] = batchesOf(`-audit-database${script}`);
            assert.deepEqual(first, { files: [auditGrants(audited)], always: true }, script);
        }
        for (const script of ["-foundation", "-tables"]) {
            const batches = batchesOf(`-audit-database${script}`);
            assert.deepEqual(batches.at(-1), batches[0], script);
        }
    });

    it("let only DMS's two users log in", () => {
        const made = run.recorder.all("postgresql:index/role:Role");
        assert.deepEqual(
            made
                .map(
                    ({ inputs }) => `${String(inputs["name"])} ${String(inputs["login"] === true)}`,
                )
                .sort(),
            [
                "audit_trail_auditor false",
                "audit_trail_collector false",
                "audit_trail_dms_source true",
                "audit_trail_dms_target true",
                "audit_trail_operator false",
                "audit_trail_owner false",
            ],
        );
        for (const { type, name, inputs } of made) {
            if (inputs["login"] !== true) {
                continue;
            }
            assert.ok(isWrappedSecret(run.recorder.raw(type, name)["password"]), name);
        }
    });

    it("add the schemas that are not there, and leave public alone", () => {
        const schemas = run.recorder
            .all("postgresql:index/schema:Schema")
            .map(({ inputs }) => inputs["name"]);
        assert.deepEqual(schemas.sort(), [
            "Sales",
            // On both clusters.
            "audit_trail",
            "audit_trail",
            "awsdms_control",
            "awsdms_heartbeat",
        ]);
    });

    it("make a function that logs with nobody's rights; it gets them when the trigger calls it", () => {
        for (const { inputs } of run.recorder.all("postgresql:index/function:Function")) {
            assert.equal(inputs["schema"], "audit_trail");
            assert.equal(inputs["returns"], "trigger");
            assert.equal(inputs["language"], "plpgsql");
            assert.ok(!("securityDefiner" in inputs));
            assert.ok(!("dropCascade" in inputs));
            assert.ok(String(inputs["body"]).length > 500);
        }
    });

    it("run a table's script again whenever the function's body changes", () => {
        const functions = run.recorder.all("postgresql:index/function:Function");
        const bodies = functions.map(({ inputs }) => String(inputs["body"]));
        const batches = batchesOf("-audit-database-tables").slice(2, -2);
        assert.deepEqual(
            batches.map(({ rerunWhen }) => rerunWhen),
            // Of the body's digest: the state holds the body twice already.
            bodies.map((body) => createHash("sha256").update(body).digest("hex")),
        );
        assert.deepEqual(
            batches.map(({ about }) => about),
            ["public.items", "Sales.Orders", "Sales.lines", "audit_trail.marker"],
        );
    });

    it("guard each table in a transaction of its own, and those no more that are audited no more", () => {
        const batches = batchesOf("-source-database-guards");
        assert.equal(batches.length, 4);
        const [functions = "", ...texts] = batches.map(({ files }) =>
            files.map(({ sql }) => sql).join("\n"),
        );
        assert.match(functions, /FUNCTION audit_trail\.refuse_truncate/);
        for (const [index, table] of ["items", "Orders", "lines"].entries()) {
            assert.match(texts[index] ?? "", new RegExp(`ON "\\w+"."${table}"`));
        }
        const [others, ...more] = batchesOf("-source-database-unguarded");
        assert.deepEqual(more, []);
        assert.match(
            others?.files[0]?.sql ?? "",
            /\('public', 'items'\),\s*\('Sales', 'Orders'\),\s*\('Sales', 'lines'\)/,
        );
    });

    it("are made in an order in which nothing is missing", () => {
        const order = [
            // Nothing is made in a source that is not ready.
            ["-source-database-preflight", "-source-database-heartbeat"],
            ["-source-database-preflight", "-source-database-trail"],
            ["-source-database-preflight", "-source-database-items"],
            ["-source-database-items", "-source-database-catalog"],
            ["-source-database-catalog", "-audit-database-tables"],
            ["-audit-database-owner", "-audit-database-foundation"],
            ["-audit-database-collector", "-audit-database-foundation"],
            ["-audit-database-schema-Sales", "-audit-database-foundation"],
            ["-audit-database-foundation", "-public.items-function"],
            ["-source-database-trail", "-source-database-marker"],
            ["-source-database-marker", "-source-database-catalog"],
            ["-source-database-catalog", "-source-database-guards"],
            ["-public.items-function", "-audit-database-tables"],
            ["-audit-database-tables", "-marker-gaps"],
            ["-audit-database-tables", "dev-task"],
            ["-source-database-dms", "-source-database-grants"],
            ["-source-database-catalog", "-source-database-grants"],
            ["-source-database-grants", "dev-task"],
            // A change that is on its way is logged.
            ["dev-task", "-audit-database-retired"],
            // What a task still brings is still guarded.
            ["dev-task", "-source-database-unguarded"],
        ];
        for (const [first = "", second = ""] of order) {
            assert.ok(position(first) < position(second), `${first} should come before ${second}`);
        }
    });

    it("are read for each group apart, so that a column concerns the task of its group alone", async () => {
        const { recorder } = await runProgram({
            ...leastConfig,
            "audit-trail:tables": '["public.items", "Sales.Orders", "Sales.lines"]',
            "audit-trail:groups": '{"sales": ["Sales.Orders"], "more": ["Sales.lines"]}',
        });
        const prefix = "audit-trail-dev";
        for (const [suffix, table] of [
            ["", "items"],
            ["-sales", "Orders"],
            ["-more", "lines"],
        ] as const) {
            const catalog = recorder.inputs(CATALOG, `${prefix}-source-database-catalog${suffix}`);
            const tables = catalog["tables"] as readonly { readonly table: string }[];
            assert.deepEqual(
                tables.map((one) => one.table),
                [table, "marker"],
            );
            const task = recorder.inputs(TASK, `${prefix}-task${suffix}`);
            const { rules } = JSON.parse(task["tableMappings"] as string) as TableMappings;
            assert.equal(rules[0]?.["rule-name"], `columns${mockColumnsHash(tables)}`);
        }
        // The scripts of both databases know all tables, in the order of the config.
        const guards = recorder.inputs(SCRIPT, `${prefix}-source-database-guards`);
        assert.deepEqual(
            (guards["batches"] as readonly SqlBatch[]).flatMap(({ about = [] }) => about),
            ["public.items", "Sales.Orders", "Sales.lines"],
        );
    });

    it("record the gap of a table that goes to another group, though the list stays the same", () => {
        const orders = parseTableName("Sales.Orders");
        const inGroup = (group: string): string | undefined =>
            retirementBatches([{ ...orders, group }], [], [])[1]?.rerunWhen;
        assert.notEqual(inGroup("sales"), inGroup(DEFAULT_GROUP));
        assert.notEqual(inGroup("sales"), inGroup("more"));
        // As stacks without groups have it.
        assert.equal(inGroup(DEFAULT_GROUP), "[]");
    });
});
