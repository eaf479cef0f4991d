/** The config key that says how the databases are reached. */
export const ACCESS_KEY = "audit-trail:databaseAccess";

/** What `databaseAccess` means on a laptop: where nobody chose, the servers are on this machine. */
export function laptopAccess(chosen: string | undefined): string {
    return chosen === undefined || chosen === "auto" ? "direct" : chosen;
}
