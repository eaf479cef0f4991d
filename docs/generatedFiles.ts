import { readFileSync } from "node:fs";
import path from "node:path";
import { format, resolveConfig } from "prettier";
import { sqlPages } from "../commands/sql/pages";
import { configPage, withConfigSchema } from "../config/keyTexts";
import { policiesPage } from "../policy/docs/docsTable";
import { settingsPage } from "../policy/docs/settingsPage";
import { rules } from "../policy/registry";

/** A file that is made from the program. */
export interface GeneratedFile {
    /** Its path. */
    readonly file: string;
    /** What it has to hold, before it is formatted. */
    readonly text: () => string;
}

const ROOT = path.join(__dirname, "..");
const PROJECT_FILE = path.join(ROOT, "Pulumi.yaml");

/** Every file that `npm run docs` writes. */
export const generatedFiles: readonly GeneratedFile[] = [
    {
        file: PROJECT_FILE,
        text: () => withConfigSchema(readFileSync(PROJECT_FILE, "utf8")),
    },
    { file: path.join(ROOT, "docs/config.md"), text: configPage },
    { file: path.join(ROOT, "docs/policies.md"), text: () => policiesPage(rules) },
    { file: path.join(ROOT, "docs/known-settings.md"), text: settingsPage },
    ...sqlPages().map(({ name, text }) => ({
        file: path.join(ROOT, "docs/sql", name),
        text: () => text,
    })),
];

/** The file as it has to be on disk: formatted as the project formats every page. */
export async function formattedText({ file, text }: GeneratedFile): Promise<string> {
    // Prettier has no SQL, and the pages show the project's own scripts as they are.
    return file.endsWith(".sql")
        ? text()
        : format(text(), { ...(await resolveConfig(file)), filepath: file });
}
