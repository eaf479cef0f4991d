import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { shown, type Values } from "../engine/values";
import { type MappingDocument, readMapping, tableOf } from "./mappingDocument";
import { knownSubject, MAPPING_KINDS } from "./mappingKinds";

const knownRules = resourceRule({
    name: "dms-mapping-rules-known",
    displayName: "Every mapping rule is known to be safe",
    description: `Every rule of tableMappings is of a kind that the pack knows to be safe: ${MAPPING_KINDS.map(({ words }) => words).join("; ")}. Any other rule overwrites, renames, retypes, drops or filters what is to be recorded.`,
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, selection and transformation rules", "Every action and its keys"),
        auditTrail("A recorded row is the whole row", "A column is overwritten, retyped or absent"),
        auditTrail("Every change is recorded", "Filtered rows leave no trace"),
    ],
    remediationSteps:
        "Remove the rule; the program writes its mapping from the config key audit-trail:tables (components/dms/tableMappings.ts).",
    url: pages.dmsMappingTransformations,
    changedIn: programFiles.mapping,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const mapping = readMapping(task.get("tableMappings"), findings);
        if (mapping === undefined) {
            return;
        }
        const seen = new Set<string>();
        for (const rule of mapping.rules) {
            judge(rule, mapping, seen, findings);
        }
    },
});

function judge(
    rule: Values,
    mapping: MappingDocument,
    seen: Set<string>,
    findings: Findings,
): void {
    const subject = knownSubject(rule);
    const table = tableOf(rule);
    const selected = mapping.tables.find(
        (one) => one.schema === table?.schema && one.table === table.table,
    );
    const name = `Rule ${shown(rule["rule-id"])} in tableMappings`;
    if (subject === undefined) {
        findings.violation(
            `${name} (${describe(rule)}) is none that the pack knows to be safe; remove it.`,
        );
    } else if (selected === undefined) {
        findings.violation(
            `${name} is about ${table?.shown ?? ""}, which no selection names; remove it.`,
        );
    } else {
        const once = JSON.stringify([table?.schema, table?.table, subject]);
        if (seen.has(once)) {
            findings.violation(
                `${name} repeats what another rule does to ${selected.shown}; remove it.`,
            );
        }
        seen.add(once);
    }
}

/** What a rule does, as far as it says so. */
function describe(rule: Values): string {
    const words = [rule["rule-action"] ?? rule["rule-type"], rule["rule-target"], rule.value];
    const table = tableOf(rule)?.shown;
    return [
        ...words.filter((word) => typeof word === "string"),
        ...(table === undefined ? [] : [`of ${table}`]),
        ...(Array.isArray(rule.filters) && rule.filters.length > 0 ? ["with filters"] : []),
    ].join(" ");
}

export const knownMappingRules = [knownRules] as const;
