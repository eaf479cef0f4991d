import path from "node:path";
import { format, resolveConfig } from "prettier";
import { rules } from "../registry";
import { policiesPage } from "./docsTable";
import { settingsPage } from "./settingsPage";

/** A page of the documentation that is made from the pack. */
export interface GeneratedPage {
    readonly file: string;
    /** Before it is formatted. */
    readonly text: () => string;
}

const DOCS = path.join(__dirname, "..", "..", "docs");

/** Every generated page. */
export const generatedPages: readonly GeneratedPage[] = [
    { file: path.join(DOCS, "policies.md"), text: () => policiesPage(rules) },
    { file: path.join(DOCS, "known-settings.md"), text: settingsPage },
];

/** The page as it has to be on disk: formatted as the project formats every page. */
export async function formattedPage({ file, text }: GeneratedPage): Promise<string> {
    return format(text(), { ...(await resolveConfig(file)), filepath: file });
}
