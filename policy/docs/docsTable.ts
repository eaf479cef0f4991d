import type { Rule } from "../engine/rule";
import { coverageTable } from "./securityHub";

function cell(text: string): string {
    // Markdown takes a pair of asterisks for emphasis.
    return text.replaceAll(/[|*]/g, String.raw`\$&`);
}

function row(rule: Rule): string {
    const basis = rule.frameworks.map(({ name, reference }) => `${name}: ${reference}`).join("; ");
    const cells = [
        `[${rule.name}](${rule.url})`,
        rule.severity,
        cell(rule.description),
        cell(rule.remediationSteps),
        cell(rule.changedIn),
        cell(basis),
    ];
    return `| ${cells.join(" | ")} |`;
}

/** The page `docs/policies.md`, before it is formatted. */
export function policiesPage(rules: readonly Rule[]): string {
    const rows = (scope: Rule["scope"]): string =>
        rules
            .filter((rule) => rule.scope === scope)
            .map(row)
            .join("\n");
    const head =
        "| rule | severity | demand | remedy | changed in | basis |\n| --- | --- | --- | --- | --- | --- |";
    return `# Policies

Written by \`npm run docs\` from \`policy/registry.ts\`; change the rules there, not this page.

All ${rules.length} rules are mandatory: a violation stops \`pulumi preview\` and \`pulumi up\` with \`--policy-pack policy\`.
A rule whose value a preview cannot know yet says so in an advisory and decides during the update. An absent value
counts as the provider's default.

A rule is switched off, made advisory or configured in a JSON file for \`--policy-pack-config\`, for example
\`{"rds-backups-kept": {"minimumDays": 14}, "rds-logs-exported": "advisory"}\`. \`policy/config/prod.json\` is for a stack that is
to last, and what holds without a file; \`policy/config/dev.json\` is for one that is thrown away, as the laptop's is.

A message says what was found, what to set, where to change it and what the rule demands. What a setting may be is on a
page of its own: [known settings](known-settings.md).

## About single resources

${head}
${rows("resource")}

## About the stack

${head}
${rows("stack")}

## AWS Security Hub

Every control for RDS, DMS, EC2 (which has those for VPCs), KMS, Secrets Manager, IAM, Systems
Manager and CloudWatch: the rule that checks it, or why
none does. From \`policy/docs/securityHub.ts\`.

${coverageTable()}
`;
}
