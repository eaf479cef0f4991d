import assert from "node:assert/strict";
import fc from "fast-check";
import { tableMappings } from "../../../components/dms/tableMappings";
import { parseTableMappings } from "../../../local/dms/task/mapping";
import type { TableChoices } from "../../../trail/columnChoices";
import { dmsPattern, refuseConfusableNames } from "../../../trail/dmsNames";
import { HEADER_COLUMNS } from "../../../trail/headerColumns";
import { trailNames } from "../../../trail/names";
import type { TableName } from "../../../trail/tableDefinition";

const identifier = fc.oneof(
    fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/),
    fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !name.includes("\0")),
);
const tableName: fc.Arbitrary<TableName> = fc.record({ schema: identifier, table: identifier });
const tables = fc.uniqueArray(tableName, {
    minLength: 1,
    maxLength: 8,
    selector: ({ schema, table }) => JSON.stringify([schema, table]),
});

const hash = fc.stringMatching(/^[0-9a-f]{1,16}$/);

function rulesFor(mapping: ReturnType<typeof tableMappings>, { schema, table }: TableName) {
    return mapping.rules.filter((rule) => {
        const locator = rule["object-locator"] as Record<string, string>;
        return locator["schema-name"] === schema && locator["table-name"] === table;
    });
}

describe("table mappings", () => {
    it("change with the version of the passwords, whose secrets the task is to read again", () => {
        const named = (version?: number): unknown =>
            tableMappings([{ schema: "public", table: "items" }], "1f", [], version).rules[0]?.[
                "rule-name"
            ];
        assert.deepEqual([undefined, 1, 2, 3].map(named), [
            "columns1f",
            "columns1f",
            "columns1fp2",
            "columns1fp3",
        ]);
    });

    it("are, for one table, exactly what the DMS guide's grammar asks for", () => {
        const locator = { "schema-name": "public", "table-name": "items" };
        const added = (id: string, value: string, expression: string, type: object): object => ({
            "rule-type": "transformation",
            "rule-id": id,
            "rule-name": id,
            "rule-action": "add-column",
            "rule-target": "column",
            "object-locator": locator,
            value,
            expression,
            "data-type": type,
        });
        const text = { type: "string", length: 50 };
        assert.deepEqual(tableMappings([{ schema: "public", table: "items" }], "1f"), {
            rules: [
                {
                    "rule-type": "selection",
                    "rule-id": "1",
                    "rule-name": "columns1f",
                    "object-locator": locator,
                    "rule-action": "explicit",
                    filters: [],
                },
                {
                    "rule-type": "transformation",
                    "rule-id": "2",
                    "rule-name": "2",
                    "rule-action": "rename",
                    "rule-target": "table",
                    "object-locator": locator,
                    value: "items_staging",
                },
                added("3", "audit_trail_operation", "operation_indicator('D', 'U', 'I')", text),
                added("4", "audit_trail_commit_timestamp", "$AR_H_COMMIT_TIMESTAMP", {
                    type: "datetime",
                    precision: 6,
                }),
                added("5", "audit_trail_stream_position", "$AR_H_STREAM_POSITION", text),
                added("6", "audit_trail_change_seq", "$AR_H_CHANGE_SEQ", text),
            ],
        });
    });

    it("remove the columns that are excluded, and have another hash when staging's columns are others", () => {
        const names: TableName[] = [
            { schema: "public", table: "items" },
            { schema: "public", table: "film" },
        ];
        const exclude = { kind: "exclude", reason: "secret" } as const;
        const choose = (...columns: TableChoices["columns"]) =>
            tableMappings(names, "1f", [{ schema: "public", table: "items", columns }]).rules;
        const rules = choose({ name: "pass_word", choice: exclude });
        assert.deepEqual(
            rules.filter((rule) => rule["rule-action"] === "remove-column"),
            [
                {
                    "rule-type": "transformation",
                    "rule-id": "7",
                    "rule-name": "7",
                    "rule-action": "remove-column",
                    "rule-target": "column",
                    "object-locator": {
                        "schema-name": "public",
                        "table-name": "items",
                        "column-name": "pass_word",
                    },
                },
            ],
        );
        const mapped = parseTableMappings(JSON.stringify({ rules }));
        assert.equal(
            mapped.map({ schema: "public", table: "items" })?.isRemoved("pass_word"),
            true,
        );
        assert.equal(
            mapped.map({ schema: "public", table: "film" })?.isRemoved("pass_word"),
            false,
        );
        const hashes = [
            tableMappings(names, "1f").rules,
            rules,
            choose({ name: "pass_word", choice: { kind: "asText" } }),
        ].map(([first]) => first?.["rule-name"]);
        assert.equal(new Set(hashes).size, hashes.length);
        const [again] = choose({
            name: "pass_word",
            choice: { ...exclude, reason: "other words" },
        });
        assert.equal(again?.["rule-name"], hashes[1]);
    });

    it("give every rule an id and a name of its own", () => {
        fc.assert(
            fc.property(tables, hash, (names, columnsHash) => {
                const { rules } = tableMappings(names, columnsHash);
                const values = (key: string) => rules.map((rule) => String(rule[key]));
                for (const key of ["rule-id", "rule-name"]) {
                    assert.equal(new Set(values(key)).size, rules.length);
                }
                assert.ok(values("rule-id").every((id) => /^[1-9]\d*$/.test(id)));
                assert.ok(values("rule-name").every((name) => /^[a-z\d]+$/i.test(name)));
            }),
        );
    });

    it("select every table once, rename it to its staging table and add the header columns in order", () => {
        fc.assert(
            fc.property(tables, hash, (names, columnsHash) => {
                const mapping = tableMappings(names, columnsHash);
                for (const name of names) {
                    const rules = rulesFor(mapping, name);
                    const of = (action: string) =>
                        rules.filter((rule) => rule["rule-action"] === action);
                    assert.equal(of("explicit").length, 1);
                    assert.deepEqual(
                        of("rename").map(({ value }) => value),
                        [trailNames(name).staging],
                    );
                    assert.deepEqual(
                        of("add-column").map(({ value }) => value),
                        [...HEADER_COLUMNS],
                    );
                }
                assert.equal(mapping.rules.length, 6 * names.length);
            }),
        );
    });

    it("keep the rules of earlier tables when one is added at the end", () => {
        fc.assert(
            fc.property(tables, tableName, hash, (names, another, columnsHash) => {
                const before = tableMappings(names, columnsHash).rules;
                const after = tableMappings([...names, another], columnsHash).rules;
                assert.deepEqual(after.slice(0, before.length), before);
            }),
        );
    });

    it("differ in nothing but the name of a rule once the columns have changed", () => {
        fc.assert(
            fc.property(tables, hash, hash, (names, one, other) => {
                fc.pre(one !== other);
                const [before, after] = [tableMappings(names, one), tableMappings(names, other)];
                assert.notDeepEqual(before, after);
                const renamed = before.rules.map((rule, index) => ({
                    ...rule,
                    "rule-name": after.rules[index]?.["rule-name"],
                }));
                assert.deepEqual(renamed, after.rules);
            }),
        );
    });

    it("are understood by the replicator that stands in for DMS", () => {
        const mapping = tableMappings(
            [
                { schema: "public", table: "items" },
                { schema: "Sales Data", table: "Order.Lines" },
            ],
            "1f",
        );
        assert.doesNotThrow(() => parseTableMappings(JSON.stringify(mapping)));
    });
});

describe("names in DMS mappings", () => {
    it("match what they say where they have no wildcard", () => {
        const plain = fc.string().filter((name) => !/[%_[\]]/.test(name));
        fc.assert(
            fc.property(plain, plain, (name, other) => {
                assert.equal(dmsPattern(name).test(other), name === other);
            }),
        );
    });

    it("match by %, _ and sets as the guide says", () => {
        const cases: [pattern: string, name: string, matches: boolean][] = [
            ["a%", "abc", true],
            ["a%", "a", true],
            ["a%", "ba", false],
            ["a_c", "abc", true],
            ["a_c", "ac", false],
            ["a[_]c", "a_c", true],
            ["a[_]c", "abc", false],
            ["t[1-3]", "t2", true],
            ["t[1-3]", "t4", false],
            ["a.c", "abc", false],
        ];
        for (const [pattern, name, matches] of cases) {
            assert.equal(dmsPattern(pattern).test(name), matches, `${pattern} ${name}`);
        }
    });

    it("are accepted exactly where each finds its own table and no other", () => {
        const tricky = fc.record({
            schema: fc.constantFrom("s", "s_", "sx"),
            table: fc.stringMatching(/^[ab_]{1,3}$/),
        });
        const several = fc.uniqueArray(tricky, {
            minLength: 1,
            maxLength: 4,
            selector: ({ schema, table }) => `${schema}.${table}`,
        });
        fc.assert(
            fc.property(several, (names) => {
                const confused = names.some((one) =>
                    names.some(
                        (other) =>
                            one !== other &&
                            dmsPattern(one.schema).test(other.schema) &&
                            dmsPattern(one.table).test(other.table),
                    ),
                );
                if (confused) {
                    assert.throws(() => {
                        refuseConfusableNames(names);
                    }, /wildcard/);
                } else {
                    refuseConfusableNames(names);
                }
            }),
        );
    });
});
