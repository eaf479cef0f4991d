import { renderSql } from "../database/sqlTemplate";
import { schemas } from "../trail/rolesAndSchemas";
import type { Database } from "./database";

/** One thing that the catalog says of one object; sql/verify/definitions.sql says which there are. */
export interface Fact {
    /** The object as the server writes it: `schema.relation`, `schema.function(types)`, `schema name`. */
    readonly name: string;
    /** The partitioned table that it is a partition of. */
    readonly part_of: string | null;
    /** What the fact is about: `owner`, `column`, `trigger` and so on. */
    readonly aspect: string;
    /** Which of several: the column's or trigger's name; empty where there is only one. */
    readonly item: string;
    readonly value: string;
}

/**
 * Everything that the catalog says of one schema, and of relations elsewhere with their partitions.
 *
 * @param relations quoted and qualified; those that do not exist are left out
 */
export async function readFacts(
    audit: Database,
    schema: string,
    relations: readonly string[],
): Promise<Fact[]> {
    const script = renderSql("sql/verify/definitions.sql");
    const facts = await audit.rows<Fact>(script, [schema, relations]);
    return facts.some(({ name }) => name === `${schema}.gap_kind`)
        ? [
              ...facts,
              ...(await audit.rows<Fact>(renderSql("sql/verify/trail_rows.sql", { schema }))),
          ]
        : facts;
}

/** Facts about a copy of the trail's schema as if they were about the schema itself. */
export function asOfTrail(facts: readonly Fact[], copy: string): Fact[] {
    const back = (text: string): string => text.replaceAll(copy, schemas.trail);
    return facts.map(({ name, part_of, aspect, item, value }) => ({
        name: back(name),
        part_of: part_of === null ? null : back(part_of),
        aspect,
        item: back(item),
        value: back(value),
    }));
}
