import { tableMappings } from "../../../components/dms/tableMappings";
import type { Values } from "../../../policy/engine/values";
import { goodMapping } from "../support/goodStack";
import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const TASK = "aws:dms/replicationTask:ReplicationTask";

/** Inputs of a task whose mapping rules were changed one by one; undefined removes a rule. */
const mapping = (change: (rule: Values) => Values | undefined): Values => ({
    tableMappings: JSON.stringify({
        rules: goodMapping.rules.map(change).filter((rule) => rule !== undefined),
    }),
});

const withRules = (...more: readonly Values[]): Values => ({
    tableMappings: JSON.stringify({ rules: [...goodMapping.rules, ...more] }),
});

const edit = (id: string, change: Values): Values =>
    mapping((rule) => (rule["rule-id"] === id ? { ...rule, ...change } : rule));

const without = (id: string): Values =>
    mapping((rule) => (rule["rule-id"] === id ? undefined : rule));

const secondTable: Values = {
    "rule-type": "selection",
    "rule-id": "20",
    "rule-name": "20",
    "rule-action": "explicit",
    "object-locator": { "schema-name": "public", "table-name": "orders" },
};

const items: Values = { "schema-name": "public", "table-name": "items" };

/** A transformation of a column of public.items. */
const onColumn = (
    action: string,
    { column, type, ...more }: { readonly column?: string; readonly type?: string } & Values,
): Values => ({
    "rule-type": "transformation",
    "rule-id": "30",
    "rule-name": "30",
    "rule-action": action,
    "rule-target": "column",
    "object-locator": { ...items, ...(column === undefined ? {} : { "column-name": column }) },
    ...(type === undefined ? {} : { "data-type": { type, length: "50" } }),
    ...more,
});

/** The project's own mapping of tables and a column whose names are of blanks, or begin and end with one. */
const blankNames: Values = {
    tableMappings: JSON.stringify(
        tableMappings(
            [
                { schema: " ", table: " " },
                { schema: " ", table: " x " },
                { schema: "public", table: "\u3000" },
            ],
            "1f",
            [
                {
                    schema: " ",
                    table: " ",
                    columns: [{ name: " ", choice: { kind: "exclude", reason: "secret" } }],
                },
            ],
        ),
    ),
};

const badMappings: readonly Values[] = [
    { tableMappings: 7 },
    { tableMappings: "rules" },
    { tableMappings: "[]" },
    { tableMappings: '{"rules": 1}' },
    { tableMappings: '{"rules": [1]}' },
    { tableMappings: '{"rules": []}' },
    { tableMappings: { rules: [] } },
];

/** Cases of the rules about table mappings. */
export const tableMappingCases: readonly ResourceCases[] = [
    {
        rule: "dms-mapping-explicit-tables",
        type: TASK,
        pass: [withRules(secondTable), blankNames],
        fail: [
            edit("1", { "rule-action": "include" }),
            edit("1", { "rule-action": "exclude" }),
            edit("1", { "object-locator": { "schema-name": "public", "table-name": "%" } }),
            edit("1", { "object-locator": { "schema-name": "public" } }),
            edit("1", { "object-locator": "public.items" }),
            edit("2", { "rule-id": "1" }),
            edit("2", { "rule-name": "3" }),
            edit("2", { "rule-id": undefined }),
            without("1"),
        ],
        absent: [[{ tableMappings: undefined }, "refused"]],
        unknown: [[{ tableMappings: UNKNOWN }, "undecided"]],
        wrongType: badMappings,
    },
    {
        rule: "dms-mapping-header-columns",
        type: TASK,
        pass: [
            blankNames,
            edit("3", { expression: "operation_indicator('D','U','I')" }),
            mapping((rule) =>
                rule["rule-action"] === "add-column"
                    ? { ...rule, "object-locator": { "schema-name": "%", "table-name": "%" } }
                    : rule,
            ),
        ],
        fail: [
            ...["3", "4", "5", "6"].map(without),
            withRules(secondTable),
            edit("3", { expression: "operation_indicator('I', 'U', 'D')" }),
            edit("3", { expression: "$AR_H_OPERATION" }),
            edit("3", { value: "op" }),
            edit("4", { expression: "$AR_H_TIMESTAMP" }),
            edit("4", { "data-type": { type: "datetime" } }),
            edit("4", { "data-type": { type: "datetime", precision: 3 } }),
            edit("5", { expression: "$AR_H_TRANSACTION_ID" }),
            edit("5", { "data-type": { type: "string", length: 10 } }),
            edit("6", { "data-type": { type: "int8" } }),
            edit("6", { "object-locator": { "schema-name": "public", "table-name": "orders" } }),
        ],
        absent: [
            [{ tableMappings: undefined }, "refused"],
            [edit("4", { "data-type": undefined }), "refused"],
            [edit("4", { expression: undefined }), "refused"],
        ],
        unknown: [[{ tableMappings: UNKNOWN }, "undecided"]],
        wrongType: [
            ...badMappings,
            edit("4", { expression: 1 }),
            edit("4", { "data-type": "datetime" }),
        ],
    },
    {
        rule: "dms-mapping-staging-names",
        type: TASK,
        pass: [edit("2", { value: "items_copy" }), blankNames],
        fail: [
            without("2"),
            edit("2", { value: "items" }),
            edit("2", { value: "" }),
            withRules(secondTable),
            withRules(secondTable, {
                ...goodMapping.rules[1],
                "object-locator": { "schema-name": "public", "table-name": "orders" },
            }),
            withRules({ ...goodMapping.rules[1], value: "other" }),
        ],
        absent: [
            [{ tableMappings: undefined }, "refused"],
            [edit("2", { value: undefined }), "refused"],
        ],
        unknown: [[{ tableMappings: UNKNOWN }, "undecided"]],
        wrongType: [...badMappings, edit("2", { value: 1 })],
    },
    {
        rule: "dms-mapping-rules-known",
        type: TASK,
        pass: [
            blankNames,
            mapping((rule) => ({ ...rule, "rule-name": `rule${String(rule["rule-id"])}` })),
            withRules(onColumn("remove-column", { column: "price" })),
            withRules(onColumn("remove-column", { column: "operation" })),
            withRules(secondTable, {
                ...goodMapping.rules[1],
                "rule-id": "21",
                "rule-name": "21",
                "object-locator": { "schema-name": "public", "table-name": "orders" },
                value: "orders_staging",
            }),
        ],
        fail: [
            withRules(onColumn("add-column", { value: "price", expression: "0" })),
            withRules(
                onColumn("add-column", { value: "audit_trail_operation", expression: "'I'" }),
            ),
            withRules(onColumn("add-column", { value: "note", expression: "$AR_H_USER" })),
            withRules(onColumn("remove-column", { column: "pri%" })),
            withRules(onColumn("remove-column", { column: "audit_trail_operation" })),
            withRules(onColumn("remove-column", { column: "Audit_trail_change_seq" })),
            withRules(onColumn("remove-column", { column: "_".repeat(21) })),
            withRules(onColumn("remove-column", {})),
            withRules(onColumn("remove-column", { column: "price", value: "price" })),
            withRules(onColumn("include-column", { column: "price" })),
            withRules(onColumn("rename", { column: "price", value: "cost" })),
            withRules(onColumn("convert-uppercase", { column: "%" })),
            withRules(onColumn("change-data-type", { column: "price", type: "string" })),
            withRules(onColumn("data-masking-digits-mask", { column: "price", value: "#" })),
            withRules({
                ...onColumn("add-before-image-columns", { column: "%" }),
                "before-image-def": { "column-filter": "pk-only" },
            }),
            withRules({
                ...onColumn("rename", { value: "elsewhere" }),
                "rule-target": "schema",
                "object-locator": { "schema-name": "public" },
            }),
            withRules({ ...onColumn("define-primary-key", {}), "rule-target": "table" }),
            withRules({
                "rule-type": "table-settings",
                "rule-id": "30",
                "rule-name": "30",
                "object-locator": items,
                "lob-settings": { mode: "none" },
            }),
            edit("1", {
                filters: [
                    {
                        "filter-type": "source",
                        "column-name": "item_id",
                        "filter-conditions": [{ "filter-operator": "gte", value: "100" }],
                    },
                ],
            }),
            edit("1", { "load-order": "x" }),
            edit("1", { "object-locator": { ...items, "table-type": "all" } }),
            edit("2", { value: "items_copy" }),
            edit("2", { "object-locator": { "schema-name": "public", "table-name": "%" } }),
            edit("3", { "object-locator": { ...items, "column-name": "price" } }),
            edit("4", { "primary-key-def": { name: "key", columns: ["name"] } }),
            withRules({ ...goodMapping.rules[2], "rule-id": "30", "rule-name": "30" }),
            withRules({
                ...goodMapping.rules[2],
                "rule-id": "30",
                "rule-name": "30",
                "object-locator": { "schema-name": "public", "table-name": "orders" },
            }),
            {
                tableMappings: JSON.stringify({ rules: goodMapping.rules, filters: [] }),
            },
        ],
        absent: [
            [{ tableMappings: undefined }, "refused"],
            [edit("1", { filters: undefined }), "passed"],
            [edit("1", { "rule-type": undefined }), "refused"],
        ],
        unknown: [[{ tableMappings: UNKNOWN }, "undecided"]],
        wrongType: [...badMappings, edit("1", { filters: "none" }), edit("2", { value: 1 })],
    },
];
