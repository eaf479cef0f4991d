import assert from "node:assert/strict";
import { definitionOf } from "../../testing/trailDatabase";
import { columnProblems } from "../../trail/columnProblems";
import type { TableDefinition } from "../../trail/tableDefinition";
import { tableLimits } from "../../trail/tableLimits";

function wide(count: number): TableDefinition {
    const names = Array.from({ length: count }, (_, at) => `c${at}`);
    const columns = Object.fromEntries(names.map((name) => [name, "integer"]));
    return definitionOf("public", "wide", columns, ["c0"]);
}

/** What is said of a column of a table that has nothing else to be said of. */
function problemsOf(name: string, type: string): string[] {
    const column = { builtIn: true, name, type, attnum: 1, element: "numeric", elementKind: "b" };
    const row = { table_schema: "public", table_name: "t", relkind: "r", oid: "1" };
    const facts = { primary_key: ["id"], columns: [column] };
    return columnProblems({ ...row, ...facts }, new Map()).flatMap(({ problems }) =>
        problems.map(({ sentence }) => sentence),
    );
}

describe("what PostgreSQL allows a table and not its trail", () => {
    it("is more columns than staging can have with those that DMS adds", () => {
        assert.deepEqual(tableLimits(wide(1596)), []);
        assert.deepEqual(tableLimits(wide(1597)), [
            "The table public.wide has 1597 columns, with the 4 that DMS adds staging would have 1601, and PostgreSQL takes no more than 1600: exclude columns in audit-trail:columns, or leave the table out.",
        ]);
    });

    for (const [type, isRefused] of [
        ["numeric(3,-2)", true],
        ["numeric(10,-3)", true],
        ["numeric(3,5)", false],
        ["numeric(10,-3)[]", false],
        ["numeric(10,0)", false],
    ] as const) {
        it(`is ${isRefused ? "a" : "no"} negative scale: ${type}`, () => {
            const problems = problemsOf("n", type);
            assert.equal(problems.length, isRefused ? 1 : 0);
            if (isRefused) {
                assert.ok(
                    problems[0]?.includes(`"n" of public.t has the type ${type}, and the scales`),
                );
            }
        });
    }

    it("is a column name that begins as those of the trail's own columns in staging", () => {
        for (const name of ["audit_trail_operation", "audit_trail_", "AUDIT_TRAIL_Partition"]) {
            assert.match(
                problemsOf(name, "numeric(3)").join(),
                /^The column ".*" of public\.t has a name that begins with audit_trail_, .* rename it, or/u,
            );
        }
        for (const name of ["operation", "audit_trail", "my_audit_trail_x", "audit trail x"]) {
            assert.deepEqual(problemsOf(name, "numeric(3)"), []);
        }
    });

    it("is a name that would end a function's body, or has a control character", () => {
        const named = (table: string, key: string): string =>
            tableLimits(
                definitionOf("public", table, { [key]: "integer", $x$: "integer" }, [key]),
            ).join();
        assert.equal(named("a$1", "b$"), "");
        assert.match(named("DR$IDX$I", "id"), /a dollar quote \(DR\$IDX\$I\)/u);
        assert.match(named("t", "$$"), /a dollar quote \(\$\$\)/u);
        assert.match(problemsOf("a\nb", "numeric(3)").join(), /has a control character/u);
    });
});
