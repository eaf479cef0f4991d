import type { Values } from "../../values";
import { goodMapping } from "../goodStack";
import { UNKNOWN } from "../judge";

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
        pass: [withRules(secondTable)],
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
        pass: [edit("2", { value: "items_copy" })],
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
];
