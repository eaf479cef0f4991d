import type { CatalogRow } from "./catalogRow";

/**
 * Problems with the tables, and how to get in where some of them are still to be created.
 *
 * @param wayIn one sentence that says how a person connects to the source: a stack whose first update ends like this has no
 *     outputs
 */
export function withWayIn(problems: string, rows: readonly CatalogRow[], wayIn: string): string {
    const isNew = rows.some(
        ({ relkind, now_called: now }) => relkind === null && now === undefined,
    );
    return isNew ? `${problems}\nThe source is there to create tables in: ${wayIn}` : problems;
}
