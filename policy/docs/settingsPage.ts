import {
    ENDPOINT_PAGES,
    ENDPOINT_SETTINGS,
    type EndpointSetting,
} from "../dms/endpointSettingsTable";
import { MAPPING_KINDS } from "../dms/mappingKinds";
import { OFF_SECTIONS, type Section, SECTION_PAGES, SECTIONS } from "../dms/taskSettingsTable";
import { pages } from "../engine/frameworks";
import { safeValues } from "../engine/setting";
import { shown } from "../engine/values";
import { PARAMETERS } from "../rds/parameterTable";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]): string =>
        `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function section(name: string, settings: Section): string {
    const rows = Object.entries(settings).map(([key, setting]) => [
        `\`${key}\``,
        `\`${shown(setting.default)}\``,
        setting.rule === undefined ? safeValues(setting) : `see rule ${setting.rule}`,
        setting.reason,
    ]);
    return `### ${name}\n\n${SECTION_PAGES[name] ?? pages.dmsTaskSettings}\n\n${table(["key", "DMS's default", "safe", "why"], rows)}`;
}

function endpointRow([name, known]: readonly [string, EndpointSetting]): readonly string[] {
    const { setting, refusal = "", rule, sides } = known;
    return [
        `\`${name}\``,
        sides.join(", "),
        setting === undefined ? "" : `\`${shown(setting.default)}\``,
        rule === undefined
            ? setting === undefined
                ? "never given"
                : safeValues(setting)
            : `see rule ${rule}`,
        setting?.reason ?? refusal,
    ];
}

/** The page `docs/known-settings.md`, before it is formatted. */
export function settingsPage(): string {
    const sections: Readonly<Record<string, Section>> = SECTIONS;
    const parameters = Object.entries(PARAMETERS).map(([name, { words, reason, rule }]) => [
        `\`${name}\``,
        rule === undefined ? words : `see rule ${rule}`,
        reason,
    ]);
    const off = Object.entries(OFF_SECTIONS).map(([name, { reason }]) => [`\`${name}\``, reason]);
    const kinds = MAPPING_KINDS.map(({ words, keys }) => [
        words,
        keys.map((key) => `\`${key}\``).join(", "),
    ]);
    return `# Known settings

Written by \`npm run docs\` from the tables in \`policy/dms\` and \`policy/rds\`; change the tables, not this page.

The [policies](policies.md) refuse what is not on this page: a key that it does not name, a value that it does not call
safe, and a key that is left out where the default is not safe. The laptop's stand-in for DMS takes its defaults and its
refusals from the same tables.

## Mapping rules

${pages.dmsMappingTransformations}

${table(["kind", "keys"], kinds)}

## Task settings

${Object.entries(sections)
    .map(([name, settings]) => section(name, settings))
    .join("\n\n")}

### Sections that stay off

They are left out or null; one that is there has its switch off.

${table(["section", "why"], off)}

The section Logging is judged by the rules dms-task-logged and dms-task-no-log-group-keys, and the components that tell of
lost or late changes log at DMS's default severity or say more.

## Endpoint settings

${ENDPOINT_PAGES.source} and ${ENDPOINT_PAGES.target}

${table(["setting", "endpoint", "DMS's default", "safe", "why"], Object.entries(ENDPOINT_SETTINGS).map(endpointRow))}

## Server parameters

${pages.auroraParameterList}

They may be set on the source and on the audit cluster.

${table(["parameter", "safe", "why"], parameters)}
`;
}
