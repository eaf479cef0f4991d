import { configGroups, type ConfigKey, configKeys, parserOf } from "./keys";

/** Marks the part of Pulumi.yaml that {@link withConfigSchema} writes; it goes to the end of the file. */
const SCHEMA_START = /^(# Written by .*\n)?config:$/m;

/** One key in Pulumi's schema. JSON texts are YAML texts, whatever they hold. */
function schemaOf(definition: ConfigKey<unknown>): string {
    const { key, default: value, meaning } = definition;
    const { type } = parserOf(definition, []);
    return [
        `  ${key}:`,
        `    type: ${type}`,
        ...(type === "array" ? ["    items:", "      type: string"] : []),
        `    description: ${JSON.stringify(meaning)}`,
        ...(value === undefined
            ? []
            : [`    default: ${type === "string" ? JSON.stringify(value) : value}`]),
        "",
    ].join("\n");
}

/**
 * Pulumi.yaml with the `config:` schema of these keys, https://www.pulumi.com/docs/iac/concepts/projects/project-file/#config-options.
 * @param yaml The file as it is; what stands before `config:` stays.
 * @throws Error when it has no such part.
 */
export function withConfigSchema(yaml: string): string {
    const start = SCHEMA_START.exec(yaml);
    if (start === null) {
        throw new Error('Pulumi.yaml has no line "config:", below which the keys are written.');
    }
    const head = yaml.slice(0, start.index);
    const comment = '# Written by "npm run docs" from config/keys.ts; change the keys there.';
    return `${head}${comment}\nconfig:\n${configKeys.map(schemaOf).join("")}`;
}

/** What the table of a key's group says of its default. */
function shownDefault(value: string | undefined): string {
    if (value === undefined) {
        return "required";
    }
    return ["", "[]", "{}"].includes(value) ? "none" : `\`${value}\``;
}

function row({ key, default: value, meaning, page }: ConfigKey<unknown>): string {
    const more = page === undefined ? "" : ` ([more](${page}))`;
    return `| \`${key}\` | ${shownDefault(value)} | ${meaning}${more} |`;
}

/** The page `docs/config.md`, before it is formatted. */
export function configPage(): string {
    const groups = configGroups.map(([, { title, keys }]) =>
        [
            `## ${title}`,
            "",
            "| Key | Default | Meaning |",
            "| --- | --- | --- |",
            ...Object.values(keys).map(row),
        ].join("\n"),
    );
    return `# Config

Written by \`npm run docs\` from \`config/keys.ts\`; change the keys there, not this page.

\`pulumi config set hostInstanceType t4g.small\` sets a key, and \`pulumi config set --path 'tables[0]' sales.orders\` an item of a
list. A value that cannot be used is refused before anything is planned, with the key, the reason and a command that mends it.

${groups.join("\n\n")}
`;
}
