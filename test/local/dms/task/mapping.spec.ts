import assert from "node:assert/strict";
import { parseTableMappings } from "../../../../local/dms/task/mapping";
import { wildcardTest } from "../../../../local/dms/task/wildcard";
import { mappings } from "../support";

type Json = Readonly<Record<string, unknown>>;

const items = { "schema-name": "public", "table-name": "items" };
const selection: Json = {
    "rule-type": "selection",
    "rule-id": "1",
    "rule-name": "1",
    "rule-action": "explicit",
    "object-locator": items,
};
const rename: Json = {
    "rule-type": "transformation",
    "rule-id": "2",
    "rule-name": "2",
    "rule-action": "rename",
    "rule-target": "table",
    "object-locator": items,
    value: "items_staging",
};
const addition: Json = {
    "rule-type": "transformation",
    "rule-id": "3",
    "rule-name": "3",
    "rule-action": "add-column",
    "rule-target": "column",
    "object-locator": items,
    value: "operation",
    expression: "operation_indicator('D', 'U', 'I')",
    "data-type": { type: "string", length: "50" },
};

const removal: Json = {
    "rule-type": "transformation",
    "rule-id": "4",
    "rule-name": "4",
    "rule-action": "remove-column",
    "rule-target": "column",
    "object-locator": { ...items, "column-name": "sec_et%" },
};

function parse(...rules: readonly Json[]) {
    return parseTableMappings(JSON.stringify({ rules }));
}

describe("local/dms/task/mapping", () => {
    it("reads the mappings the program generates", () => {
        const mapping = parseTableMappings(mappings(["items", "orders"]));
        const mapped = mapping.map({ schema: "public", table: "orders" });
        assert.deepEqual(mapped?.target, { table: "orders_staging" });
        assert.deepEqual(
            mapped.added.map(({ name }) => name),
            ["operation", "commit_timestamp", "stream_position", "change_seq"],
        );
        assert.deepEqual(mapped.added[0]?.expression, {
            kind: "operationIndicator",
            onDelete: "D",
            onUpdate: "U",
            onInsert: "I",
        });
        assert.equal(mapping.map({ schema: "public", table: "Orders" }), undefined);
        assert.equal(mapping.map({ schema: "other", table: "orders" }), undefined);
    });

    it("includes, excludes and renames by pattern; the lower rule-id wins", () => {
        const all = { "schema-name": "%", "table-name": "%" };
        const mapping = parse(
            { ...selection, "rule-action": "include", "object-locator": all },
            {
                ...selection,
                "rule-id": "7",
                "rule-name": "7",
                "rule-action": "exclude",
                "object-locator": { "schema-name": "public", "table-name": "tmp[_]%" },
            },
            { ...rename, "rule-id": "9", "rule-name": "9", value: "late" },
            { ...rename, value: "early" },
            {
                ...rename,
                "rule-id": "8",
                "rule-name": "8",
                "rule-target": "schema",
                "object-locator": { "schema-name": "public" },
                value: "audit",
            },
        );
        assert.deepEqual(mapping.map({ schema: "public", table: "items" })?.target, {
            schema: "audit",
            table: "early",
        });
        assert.equal(mapping.map({ schema: "public", table: "tmp_x" }), undefined);
        assert.deepEqual(mapping.map({ schema: "s", table: "tmp_x" })?.target, { table: "tmp_x" });
    });

    it("removes columns by pattern, of the tables that the rule means, and none that DMS cannot transform", () => {
        const mapping = parse(selection, removal);
        const isRemoved = mapping.map({ schema: "public", table: "items" })?.isRemoved;
        const names = ["secret", "sec_et", "secXets", "Secret", "secre", "sec-et-1", "id"];
        assert.deepEqual(
            names.filter((name) => isRemoved?.(name)),
            ["secret", "sec_et", "secXets"],
        );
        const everywhere = { "schema-name": "%", "table-name": "other", "column-name": "%" };
        const other = parse(selection, { ...removal, "object-locator": everywhere });
        assert.equal(other.map({ schema: "public", table: "items" })?.isRemoved("id"), false);
    });

    it("matches wildcards as DMS documents them", () => {
        for (const [pattern, yes, no] of [
            ["items", ["items"], ["Items", "itemsx", "xitems"]],
            ["it_ms", ["items", "it_ms"], ["itms"]],
            ["it[_]ms", ["it_ms"], ["items"]],
            ["%[ab]", ["xa", "b"], ["ac", ""]],
            ["[a-d]x.*", ["cx.*"], ["ex.*", "cxyy"]],
            ["a%", ["a", "a\nb"], ["ba"]],
        ] as const) {
            const test = wildcardTest(pattern, "here");
            for (const name of yes) {
                assert.ok(test(name), `${pattern} ${name}`);
            }
            for (const name of no) {
                assert.ok(!test(name), `${pattern} ${name}`);
            }
        }
    });

    it("refuses what DMS does not document, naming the rule", () => {
        const bad: readonly (readonly [RegExp, readonly Json[]])[] = [
            [/need a selection rule/, [rename]],
            [/rule-id "1" twice/, [selection, { ...rename, "rule-id": "1" }]],
            [/rule-name "1" twice/, [selection, { ...rename, "rule-name": "1" }]],
            [/rule 1: rule-action "Explicit"/, [{ ...selection, "rule-action": "Explicit" }]],
            [
                /takes exact names/,
                [{ ...selection, "object-locator": { ...items, "table-name": "%" } }],
            ],
            [/filters are not supported/, [{ ...selection, filters: [{}] }]],
            [
                /"table-type" ?|table-type "view"/,
                [{ ...selection, "object-locator": { ...items, "table-type": "view" } }],
            ],
            [/"colour" is not a documented key/, [{ ...selection, colour: 1 }]],
            [/"rule-id" must be a number/, [{ ...selection, "rule-id": "x" }]],
            [/rule 2: "remove-column"/, [selection, { ...rename, "rule-action": "remove-column" }]],
            [/rule 4: "column-name"/, [selection, { ...removal, "object-locator": items }]],
            [/rule 4: "value" means nothing/, [selection, { ...removal, value: "secret" }]],
            [
                /rule 4: "remove-column" of "table"/,
                [
                    selection,
                    { ...removal, "rule-target": "table", "object-locator": items, value: "x" },
                ],
            ],
            [
                /rule 2: "column-name" is not a documented key/,
                [selection, { ...rename, "object-locator": removal["object-locator"] }],
            ],
            [
                /rule 3: \$AR_H_TRANSACTION_ID is not/,
                [selection, { ...addition, expression: "$AR_H_TRANSACTION_ID" }],
            ],
            [
                /the expression "datetime\(\)"/,
                [selection, { ...addition, expression: "datetime()" }],
            ],
            [
                /the expression/,
                [selection, { ...addition, expression: "operation_indicator('D','U')" }],
            ],
            [
                /"money" is not a DMS data type/,
                [selection, { ...addition, "data-type": { type: "money" } }],
            ],
            [
                /length must be a whole number/,
                [selection, { ...addition, "data-type": { type: "string", length: "x" } }],
            ],
            [
                /rule-type "table-settings" is not/,
                [
                    selection,
                    {
                        ...selection,
                        "rule-id": "5",
                        "rule-name": "5",
                        "rule-type": "table-settings",
                    },
                ],
            ],
        ];
        for (const [message, rules] of bad) {
            assert.throws(() => parse(...rules), message);
        }
        assert.throws(() => parseTableMappings("{"), /not valid JSON/);
        assert.throws(() => parseTableMappings('{"rules": [], "x": 1}'), /"x" is not/);
    });
});
