import type { Rule } from "./rule";

function cell(text: string): string {
    return text.replaceAll("|", "\\|");
}

function row(rule: Rule): string {
    const basis = rule.frameworks.map(({ name, reference }) => `${name}: ${reference}`).join("; ");
    const cells = [
        `[${rule.name}](${rule.url})`,
        rule.severity,
        cell(rule.description),
        cell(rule.remediationSteps),
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
    const head = "| rule | severity | demand | remedy | basis |\n| --- | --- | --- | --- | --- |";
    return `# Policies

Written by \`npx tsx policy/writeDocs.ts\` from \`policy/registry.ts\`; change the rules there, not this page.

All ${rules.length} rules are mandatory: a violation stops \`pulumi preview\` and \`pulumi up\` with \`--policy-pack policy\`.
A rule whose value a preview cannot know yet says so in an advisory and decides during the update. An absent value
counts as the provider's default.

A rule is switched off, made advisory or configured in a JSON file for \`--policy-pack-config\`, for example
\`{"rds-backups-kept": {"minimumDays": 14}, "rds-logs-exported": "advisory"}\`.

## About single resources

${head}
${rows("resource")}

## About the stack

${head}
${rows("stack")}
`;
}
