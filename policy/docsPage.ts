import { join } from "node:path";

import { format, resolveConfig } from "prettier";

import { policiesPage } from "./docsTable";
import { rules } from "./registry";

/** The file that holds the table of all rules. */
export const PAGE = join(__dirname, "..", "docs", "policies.md");

/** The page as it has to be on disk: formatted as the project formats every page. */
export async function formattedPage(): Promise<string> {
    return format(policiesPage(rules), { ...(await resolveConfig(PAGE)), filepath: PAGE });
}
