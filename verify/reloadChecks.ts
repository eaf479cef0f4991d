import { escapeLiteral } from "pg";
import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import type { Fact } from "./catalogFacts";
import { checkOf } from "./checkOf";
import type { Check } from "./report";

/**
 * Whether a table is being loaded again. Until the reload is ended the log does not say which keys are gone.
 *
 * @param since ISO 8601: when the reload that is under way began; null or undefined where there is none
 */
export function judgeReload(definition: TableName, since: string | null | undefined): Check {
    const { schema, table } = definition;
    const call = `audit_trail.end_reload(${escapeLiteral(schema)}, ${escapeLiteral(table)})`;
    const open = `a reload of ${formatTableName(definition)} is open since ${since ?? ""}: once DMS has loaded the table, end it by SELECT ${call}`;
    return checkOf("reload", since == null ? [] : [open], "none is open");
}

/**
 * What a staging table may have besides while its reload is under way. A reload that began with a TRUNCATE adds nothing, so
 * nothing is demanded.
 *
 * @param reload what a reload adds to any staging table
 * @param found what there is
 */
export function reloadFacts(
    reload: readonly Fact[],
    found: readonly Fact[],
    staging: string,
    since: string | null | undefined,
): Fact[] {
    return reload
        .map((fact) => ({ ...fact, name: staging }))
        .filter(
            ({ name, aspect, item }) =>
                since != null &&
                found.some(
                    (one) => one.name === name && one.aspect === aspect && one.item === item,
                ),
        );
}
