import { SqlFragment } from "../database/sqlTemplate";
import { HEADER_COLUMNS, PARTITION_COLUMN } from "./headerColumns";

/** The names of the columns that staging has beside the source's, as the text of an array. */
export function headerNames(
    names: readonly string[] = [...HEADER_COLUMNS, PARTITION_COLUMN],
): SqlFragment {
    return SqlFragment.literals([`{${names.join(",")}}`]);
}
