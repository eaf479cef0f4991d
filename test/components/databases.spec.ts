import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { distinctGrants, grantLabel } from "../../components/grants";
import { sourceGrants } from "../../components/sourceDatabase";
import type { SqlBatch } from "../../components/database/sqlScript";
import { grants } from "../../components/trail/statements";
import { isWrappedSecret, type Registered } from "./support/mocks";
import { leastConfig, type ProgramRun, runProgram } from "./support/program";

const GRANT = "postgresql:index/grant:Grant";
const SCRIPT = "pulumi-nodejs:dynamic/auditTrail:SqlScript";

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
    const granted = (source: boolean): Record<string, string[]> =>
        Object.fromEntries(
            run.recorder
                .all(GRANT)
                .filter((resource) => inSource(resource) === source)
                .map(({ inputs }) => [
                    [
                        inputs["role"],
                        inputs["schema"],
                        ...((inputs["objects"] as string[] | undefined) ?? []),
                    ].join(" "),
                    inputs["privileges"] as string[],
                ]),
        );
    const batchesOf = (suffix: string): SqlBatch[] => {
        const [script] = run.recorder.all(SCRIPT).filter(({ name }) => name.endsWith(suffix));
        return script?.inputs["batches"] as SqlBatch[];
    };

    it("use the provider of their own cluster and no other", () => {
        for (const { type, name, provider } of run.recorder.resources) {
            if (!type.startsWith("postgresql:")) continue;
            const cluster = name.includes("-source-") ? "source" : "audit";
            assert.match(provider, new RegExp(`::audit-trail-dev-${cluster}::`), name);
        }
    });

    it("give DMS's source user what the guide asks for and the audited tables", () => {
        // On the Role itself: an update of a Role revokes what GrantRole resources gave it.
        const [role] = run.recorder.all("postgresql:index/role:Role").filter(inSource);
        assert.deepEqual(role?.inputs["roles"], ["rds_replication", "rds_superuser"]);
        assert.deepEqual(granted(true), {
            "audit_trail_dms_source awsdms_heartbeat": ["CREATE", "USAGE"],
            "audit_trail_dms_source public": ["USAGE"],
            "audit_trail_dms_source public items": ["SELECT"],
            "audit_trail_dms_source Sales": ["USAGE"],
            "audit_trail_dms_source Sales Orders lines": ["SELECT"],
            "audit_trail_dms_source audit_trail": ["USAGE"],
            "audit_trail_dms_source audit_trail marker": ["SELECT"],
        });
    });

    it("let DMS write staging, auditors read, and nobody but the owner more", () => {
        assert.deepEqual(granted(false), {
            "audit_trail_owner audit_trail": ["CREATE", "USAGE"],
            // To enter what DMS reports there into the gap ledger.
            "audit_trail_owner awsdms_control": ["USAGE"],
            "audit_trail_owner public": ["CREATE", "USAGE"],
            "audit_trail_owner Sales": ["CREATE", "USAGE"],
            "audit_trail_dms_target public": ["USAGE"],
            "audit_trail_dms_target audit_trail": ["USAGE"],
            "audit_trail_dms_target Sales": ["USAGE"],
            "audit_trail_dms_target awsdms_control": ["CREATE", "USAGE"],
            "audit_trail_auditor public": ["USAGE"],
            "audit_trail_auditor Sales": ["USAGE"],
            "audit_trail_auditor audit_trail": ["USAGE"],
            "audit_trail_auditor awsdms_control": ["USAGE"],
        });
        const onTables = batchesOf("-audit-database-tables").map(({ files }) =>
            files.flatMap(({ sql }) => sql.match(/^GRANT .*;$/gmu) ?? []),
        );
        const expected = ([schema, table]: string[]): string[] => [
            `GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON "${String(schema)}"."${String(table)}_staging" TO audit_trail_dms_target;`,
            `GRANT SELECT ON "${String(schema)}"."${String(table)}_audit_log" TO audit_trail_auditor;`,
        ];
        const tables = ["public items", "Sales Orders", "Sales lines", "audit_trail marker"];
        assert.deepEqual(
            onTables,
            tables.map((name) => expected(name.split(" "))),
        );
        const defaults = run.recorder
            .all("postgresql:index/defaultPrivileges:DefaultPrivileges")
            .map(({ inputs }) => [inputs["owner"], inputs["role"], inputs["privileges"]]);
        assert.deepEqual(defaults, [
            ["audit_trail_dms_target", "audit_trail_auditor", ["SELECT"]],
            ["audit_trail_dms_target", "audit_trail_owner", ["SELECT"]],
        ]);
    });

    it("let only DMS's two users log in", () => {
        const roles = run.recorder.all("postgresql:index/role:Role");
        assert.deepEqual(
            roles
                .map(
                    ({ inputs }) => `${String(inputs["name"])} ${String(inputs["login"] === true)}`,
                )
                .sort(),
            [
                "audit_trail_auditor false",
                "audit_trail_dms_source true",
                "audit_trail_dms_target true",
                "audit_trail_operator false",
                "audit_trail_owner false",
            ],
        );
        for (const { type, name, inputs } of roles) {
            if (inputs["login"] !== true) continue;
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

    it("log by a function that runs with its owner's rights", () => {
        for (const { inputs } of run.recorder.all("postgresql:index/function:Function")) {
            assert.equal(inputs["schema"], "audit_trail");
            assert.equal(inputs["returns"], "trigger");
            assert.equal(inputs["language"], "plpgsql");
            assert.equal(inputs["securityDefiner"], true);
            assert.ok(String(inputs["body"]).length > 500);
        }
    });

    it("run a table's script again whenever the function's body changes", () => {
        const functions = run.recorder.all("postgresql:index/function:Function");
        const bodies = functions.map(({ inputs }) => String(inputs["body"]));
        assert.deepEqual(
            batchesOf("-audit-database-tables").map(({ rerunWhen }) => rerunWhen),
            // Of the body's digest: the state holds the body twice already.
            bodies.map((body) => createHash("sha256").update(body).digest("hex")),
        );
    });

    it("guard each table in a transaction of its own, and those no more that are audited no more", () => {
        const batches = batchesOf("-source-database-guards");
        assert.equal(batches.length, 4);
        const texts = batches.map(({ files }) => files.map(({ sql }) => sql).join("\n"));
        for (const [index, table] of ["items", "Orders", "lines"].entries()) {
            assert.match(texts[index] ?? "", new RegExp(`ON "\\w+"."${table}"`));
        }
        assert.match(texts[3] ?? "", /\('public', 'items'\),\s*\('Sales', 'Orders'\)/);
    });

    it("are made in an order in which nothing is missing", () => {
        const order = [
            ["-source-database-items", "-source-database-catalog"],
            ["-source-database-catalog", "-audit-database-tables"],
            ["-owner-to-master", "-audit_trail_owner-on-audit_trail"],
            ["-audit_trail_owner-on-Sales", "-audit-database-machinery"],
            ["-audit-database-machinery", "-public.items-function"],
            ["-source-database-machinery", "-source-database-marker"],
            ["-source-database-marker", "-source-database-catalog"],
            ["-source-database-catalog", "-source-database-guards"],
            ["-public.items-function", "-audit-database-tables"],
            ["-audit-database-tables", "-marker-gaps"],
            ["-audit-database-tables", "dev-task"],
            ["-audit_trail_dms_source-on-Sales-tables", "dev-task"],
        ];
        for (const [first = "", second = ""] of order) {
            assert.ok(position(first) < position(second), `${first} should come before ${second}`);
        }
    });
});

describe("grants", () => {
    const tables = [
        { schema: "s", table: "a" },
        { schema: "s", table: "b" },
    ];

    it("are made once where tables share them", () => {
        const all = tables.flatMap(grants);
        const labels = distinctGrants(all).map(grantLabel);
        assert.equal(new Set(labels).size, labels.length);
        assert.deepEqual(new Set(labels), new Set(all.map(grantLabel)));
    });

    it("have names of their own, whatever the schemas are called", () => {
        const grant = fc.record({
            role: fc.constantFrom("audit_trail_auditor", "audit_trail_dms_target"),
            schema: fc.oneof(
                fc.stringMatching(/^(?:[a.\-"]{1,3}|a-tables)$/),
                fc.string({ minLength: 1 }),
            ),
            privileges: fc.constant(["SELECT"]),
        });
        const onTables = fc.boolean();
        fc.assert(
            fc.property(grant, grant, onTables, onTables, (one, other, oneHas, otherHas) => {
                const same = JSON.stringify([one, oneHas]) === JSON.stringify([other, otherHas]);
                const label = (of: typeof one, has: boolean): string =>
                    grantLabel(has ? { ...of, tables: ["t"] } : of);
                assert.equal(label(one, oneHas) === label(other, otherHas), same);
            }),
            { numRuns: 500 },
        );
    });

    it("keep their names when a table is added", () => {
        for (const of of [sourceGrants, (names: typeof tables) => names.flatMap(grants)]) {
            assert.deepEqual(
                new Set(of(tables.slice(0, 1)).map(grantLabel)),
                new Set(of(tables).map(grantLabel)),
            );
        }
    });
});
