import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isText, shown } from "../engine/values";
import {
    fillsColumn,
    type HeaderColumn,
    headerColumns,
    headerExpressions,
    headerNames,
} from "./demandedHeaders";
import {
    type MappingDocument,
    readMapping,
    type SelectedTable,
    tableOf,
    transformations,
} from "./mappingDocument";

const explicitTables = resourceRule({
    name: "dms-mapping-explicit-tables",
    displayName: "The mapping names its tables",
    description:
        "Every selection is explicit and names one schema and table, and rule ids and names are unique: a wildcard selects tables that have no trail, and DMS keeps only one of two rules with the same id.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, selection rules", "explicit selects the exact table"),
        auditTrail("Exactly the listed tables are audited", "A table without a trigger"),
    ],
    remediationSteps:
        'Write one selection with rule-action "explicit" per table, and give each rule its own rule-id and rule-name.',
    url: pages.dmsMappingSelections,
    changedIn: programFiles.mapping,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const mapping = readMapping(task.get("tableMappings"), findings);
        if (mapping === undefined) {
            return;
        }
        for (const rule of mapping.selections) {
            const name = tableOf(rule)?.shown;
            if (rule["rule-action"] !== "explicit" || name === undefined || name.includes("%")) {
                findings.violation(
                    `Selection ${shown(rule["rule-id"])} in tableMappings does not name one table; set rule-action "explicit", schema-name and table-name.`,
                );
            }
        }
        for (const key of ["rule-id", "rule-name"] as const) {
            const values = mapping.rules.map((rule) => rule[key]);
            const wrong = values.filter(
                (value, index) => !isText(value) || values.indexOf(value) !== index,
            );
            if (wrong.length > 0) {
                findings.violation(
                    `${key} ${shown(wrong[0])} in tableMappings is missing or used twice; number the rules.`,
                );
            }
        }
    },
});

const addsHeaderColumns = resourceRule({
    name: "dms-mapping-header-columns",
    displayName: "Every change carries its operation, time and transaction",
    description: `For every table the mapping adds ${headerNames("and")}: without them the trigger cannot tell a delete from an update, or a replay from a change.`,
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, transformation rule expressions", "operation_indicator, $AR_H_*"),
        auditTrail("Each entry says what happened when", "Deletes vanish, replays double"),
    ],
    remediationSteps: `Add one add-column rule for each of them to the table: ${headerExpressions()}.`,
    url: pages.dmsMappingExpressions,
    changedIn: programFiles.mapping,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const mapping = readMapping(task.get("tableMappings"), findings);
        if (mapping === undefined) {
            return;
        }
        for (const table of mapping.tables) {
            for (const column of headerColumns) {
                requireColumn(column, table, mapping, findings);
            }
        }
    },
});

function requireColumn(
    column: HeaderColumn,
    table: SelectedTable,
    mapping: MappingDocument,
    findings: Findings,
): void {
    const added = transformations(mapping, table, "column", "add-column");
    const rule = added.find((candidate) => candidate.value === column.name);
    const [property, least] = column.size;
    if (!fillsColumn(rule, column)) {
        findings.violation(
            `tableMappings does not add ${column.name} = ${column.shown} (${column.type}, ${property} ${least}) to ${table.shown}; add that rule.`,
        );
    }
}

const renamesToStaging = resourceRule({
    name: "dms-mapping-staging-names",
    displayName: "Every table goes to a staging table of its own",
    description:
        "For every table the mapping has one rename, to a name that differs from the table's own name and from the other new names: otherwise DMS would fill a table that has no trigger, or mix two tables.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, transformation rules", "Two source tables cannot feed one target"),
        auditTrail("Every change is recorded", "Rows arrive where no trigger is"),
    ],
    remediationSteps:
        'Add one rename rule per table: rule-target "table", value "<table>_staging".',
    url: pages.dmsMappingTransformations,
    changedIn: programFiles.mapping,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const mapping = readMapping(task.get("tableMappings"), findings);
        if (mapping === undefined) {
            return;
        }
        const taken = new Set<string>();
        for (const table of mapping.tables) {
            const renames = transformations(mapping, table, "table", "rename");
            const value = renames[0]?.value;
            const target = JSON.stringify([table.schema, value]);
            if (
                renames.length !== 1 ||
                !isText(value) ||
                value === table.table ||
                taken.has(target)
            ) {
                findings.violation(
                    `tableMappings does not rename ${table.shown} to a staging table of its own; add one rename rule.`,
                );
            }
            taken.add(target);
        }
    },
});

export const mappingRules = [explicitTables, addsHeaderColumns, renamesToStaging] as const;
