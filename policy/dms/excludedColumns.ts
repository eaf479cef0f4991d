import type { PolicyResource } from "@pulumi/policy";
import { auditTrail, pages } from "../engine/frameworks";
import { Inputs } from "../engine/resourceInputs";
import { stackRule } from "../engine/rule";
import type { StackView } from "../engine/stackView";
import { tasksOf } from "../engine/topology";
import { isText, isValues, type Values } from "../engine/values";
import { readMapping, tableOf } from "./mappingDocument";
import { removedColumn } from "./mappingKinds";

/** The program's resource that reads the source's catalog; it is given the columns that the config excludes. */
const CATALOG = "pulumi-nodejs:dynamic/auditTrail:SourceCatalog";

const removedColumnsChosen = stackRule({
    name: "stack-removed-columns-chosen",
    displayName: "Only columns that the config excludes are removed",
    description:
        "Every column that a rule of tableMappings removes is one that the config key audit-trail:columns excludes, as the source's catalog was read with it: registry, log and verify do not know of any other removed column, and its values would be missing without notice.",
    severity: "critical",
    frameworks: [auditTrail("A recorded row is the whole row", "A column is absent")],
    remediationSteps:
        "Remove the rule, and exclude the column in the config key audit-trail:columns if it shall be left out.",
    url: pages.dmsMappingTransformations,
    changedIn: "the config key audit-trail:columns",
    check: (stack, findings) => {
        const chosen = excludedColumns(stack);
        for (const { task } of tasksOf(stack)) {
            const inputs = stack.inputs(task, "aws:dms/replicationTask:ReplicationTask");
            for (const rule of readMapping(inputs.get("tableMappings"), findings)?.rules ?? []) {
                const [column, table] = [removedColumn(rule), tableOf(rule)];
                if (
                    column !== undefined &&
                    table !== undefined &&
                    !chosen.has(JSON.stringify([table.schema, table.table, column]))
                ) {
                    findings.violation(
                        `tableMappings of ${task.name} removes the column ${column} of ${table.shown}, which audit-trail:columns does not exclude; remove the rule, or exclude the column there.`,
                        task.urn,
                    );
                }
            }
        }
    },
});

/** Schema, table and column, as JSON. */
function excludedColumns(stack: StackView): ReadonlySet<string> {
    return new Set(
        stack.resources.filter(({ type }) => type === CATALOG).flatMap(excludedInCatalog),
    );
}

/** What is excluded of a partitioned table is so of its partitions, which the catalog lists once it was read. */
function excludedInCatalog({ props }: PolicyResource): string[] {
    const inputs = new Inputs<Values>(props);
    const [tables, excluded] = [list(inputs.get("tables")), list(inputs.get("excluded"))];
    const replicated = list(inputs.get("replicated")).filter(isValues);
    return tables.flatMap((table, index) => {
        if (!isValues(table)) {
            return [];
        }
        const partitions = replicated.filter(
            ({ partitionOf: parent }) =>
                isValues(parent) && parent.schema === table.schema && parent.table === table.table,
        );
        return list(excluded[index])
            .filter(isText)
            .flatMap((column) =>
                [table, ...partitions].map((one) =>
                    JSON.stringify([one.schema, one.table, column]),
                ),
            );
    });
}

function list(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

export const excludedColumnRules = [removedColumnsChosen] as const;
