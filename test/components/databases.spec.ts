import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { distinctGrants, grantLabel } from "../../components/grants";
import { sourceGrants } from "../../components/sourceDatabase";
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
                        [
                            inputs["schema"],
                            ...((inputs["objects"] as string[] | undefined) ?? []),
                        ].join("."),
                    ].join(" "),
                    inputs["privileges"] as string[],
                ]),
        );

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
            "dms_source awsdms_heartbeat": ["CREATE", "USAGE"],
            "dms_source public": ["USAGE"],
            "dms_source public.items": ["SELECT"],
            "dms_source Sales": ["USAGE"],
            "dms_source Sales.Orders": ["SELECT"],
            "dms_source Sales.lines": ["SELECT"],
            "dms_source audit_trail": ["USAGE"],
            "dms_source audit_trail.marker": ["SELECT"],
        });
    });

    it("let DMS write staging, auditors read, and nobody but the owner more", () => {
        const write = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"];
        assert.deepEqual(granted(false), {
            "audit_trail_owner audit_trail": ["CREATE", "USAGE"],
            // To enter what DMS reports there into the gap ledger.
            "audit_trail_owner awsdms_control": ["USAGE"],
            "audit_trail_owner public": ["CREATE", "USAGE"],
            "audit_trail_owner Sales": ["CREATE", "USAGE"],
            "dms_target public": ["USAGE"],
            "dms_target audit_trail": ["USAGE"],
            "dms_target audit_trail.marker_staging": write,
            "auditor audit_trail.marker_audit_log": ["SELECT"],
            "dms_target Sales": ["USAGE"],
            "dms_target awsdms_control": ["CREATE", "USAGE"],
            "dms_target public.items_staging": write,
            "dms_target Sales.Orders_staging": write,
            "dms_target Sales.lines_staging": write,
            "auditor public": ["USAGE"],
            "auditor Sales": ["USAGE"],
            "auditor audit_trail": ["USAGE"],
            "auditor awsdms_control": ["USAGE"],
            "auditor public.items_audit_log": ["SELECT"],
            "auditor Sales.Orders_audit_log": ["SELECT"],
            "auditor Sales.lines_audit_log": ["SELECT"],
            "auditor audit_trail.audited_table.gap.known_gap.unlogged_change": ["SELECT"],
        });
        const defaults = run.recorder
            .all("postgresql:index/defaultPrivileges:DefaultPrivileges")
            .map(({ inputs }) => [inputs["owner"], inputs["role"], inputs["privileges"]]);
        assert.deepEqual(defaults, [
            ["dms_target", "auditor", ["SELECT"]],
            ["dms_target", "audit_trail_owner", ["SELECT"]],
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
                "audit_operator false",
                "audit_trail_owner false",
                "auditor false",
                "dms_source true",
                "dms_target true",
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

    it("run the triggers' script again whenever the function's body changes", () => {
        const scripts = run.recorder.all(SCRIPT).filter(({ name }) => name.endsWith("-triggers"));
        const functions = run.recorder.all("postgresql:index/function:Function");
        assert.equal(scripts.length, 4);
        for (const { name, inputs } of scripts) {
            const own = functions.find(
                (one) => one.name === name.replace("-triggers", "-function"),
            );
            // Of the body's digest: the state holds the body twice already.
            const body = String(own?.inputs["body"]);
            assert.equal(inputs["rerunWhen"], createHash("sha256").update(body).digest("hex"));
        }
    });

    it("are made in an order in which nothing is missing", () => {
        const order = [
            ["-source-database-items", "-source-database-catalog"],
            ["-source-database-catalog", "-public.items-objects"],
            ["-owner-to-master", "-audit_trail_owner-on-audit_trail"],
            ["-audit_trail_owner-on-Sales", "-audit-database-machinery"],
            ["-audit-database-machinery", "-public.items-objects"],
            ["-source-database-machinery", "-source-database-marker"],
            ["-source-database-marker", "-source-database-catalog"],
            ["-source-database-catalog", "-guards-public.items"],
            ["-audit_trail.marker-triggers", "-marker-gaps"],
            ["-public.items-objects", "-public.items-function"],
            ["-public.items-function", "-public.items-triggers"],
            ["-Sales.lines-triggers", "-dms_target-on-Sales.lines_staging"],
            ["-dms_target-on-Sales.lines_staging", "dev-task"],
            ["-dms_source-on-Sales.lines", "dev-task"],
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

    it("have names of their own, whatever schemas and tables are called", () => {
        const name = fc.oneof(fc.stringMatching(/^[a.\-"]{1,3}$/), fc.string({ minLength: 1 }));
        const grant = fc.record({
            role: fc.constantFrom("auditor", "dms_target"),
            schema: name,
            objects: fc.array(name, { maxLength: 2 }),
            privileges: fc.constant(["SELECT"]),
        });
        fc.assert(
            fc.property(grant, grant, (one, other) => {
                const same = JSON.stringify(one) === JSON.stringify(other);
                assert.equal(grantLabel(one) === grantLabel(other), same);
            }),
            { numRuns: 500 },
        );
    });

    it("keep their names when a table is added: a renamed grant would be revoked after it was made", () => {
        for (const of of [sourceGrants, (names: typeof tables) => names.flatMap(grants)]) {
            const before = of(tables.slice(0, 1)).map(grantLabel);
            const after = of(tables).map(grantLabel);
            assert.deepEqual(
                before.filter((label) => !after.includes(label)),
                [],
            );
        }
    });
});
