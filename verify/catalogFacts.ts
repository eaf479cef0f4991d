import { renderSql } from "../database/sqlTemplate";
import { schemas } from "../trail/rolesAndSchemas";
import type { Database } from "./database";
import { type Lock, LockedError, lockWords } from "./locks";

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

/** The aspect of an object that could not be looked at, because somebody has locked it; the value says who. */
export const LOCKED = "locked";

/** How often a look is made while others come that lock one more relation. */
const LOOKS = 3;

/** The tables that sql/verify/trail_rows.sql reads. */
const ROW_TABLES = ["gap_kind", "own_write", "schema_version"];

/**
 * Everything that the catalog says of one schema, and of relations elsewhere with their partitions. Of a relation that
 * somebody has locked it is told who, and nothing else.
 *
 * @param relations quoted and qualified; those that do not exist are left out
 */
export async function readFacts(
    audit: Database,
    schema: string,
    relations: readonly string[],
): Promise<Fact[]> {
    const facts = await readDefinitions(audit, schema, relations);
    const tables = ROW_TABLES.map((table) => `${schema}.${table}`);
    const ofTables = facts.filter(({ name }) => tables.includes(name));
    const locked = ofTables.find(({ aspect }) => aspect === LOCKED);
    if (locked !== undefined) {
        return [...facts, ...tables.map((name) => ({ ...locked, name }))];
    }
    if (ofTables.length === 0) {
        return facts;
    }
    try {
        const script = renderSql("sql/verify/trail_rows.sql", { schema });
        return [...facts, ...(await audit.rows<Fact>(script))];
    } catch (error) {
        if (error instanceof LockedError) {
            const value = lockWords(error.locks);
            return [...facts, ...tables.map((name) => lockedFact(name, null, value))];
        }
        throw error;
    }
}

async function readDefinitions(
    audit: Database,
    schema: string,
    relations: readonly string[],
): Promise<Fact[]> {
    const script = renderSql("sql/verify/definitions.sql");
    const locked = new Map<string, Lock>();
    for (let look = 1; ; look += 1) {
        try {
            const left = [...locked.keys()];
            const facts = await audit.rows<Fact>(script, [schema, relations, left]);
            return [
                ...facts.map((fact) => (fact.aspect === LOCKED ? lockedText(fact, locked) : fact)),
                ...[...locked.values()].map((lock) =>
                    lockedFact(lock.relation, lock.part_of, lockWords([lock])),
                ),
            ];
        } catch (error) {
            if (!(error instanceof LockedError) || look === LOOKS) {
                throw error;
            }
            error.locks.forEach((lock) => locked.set(lock.oid, lock));
        }
    }
}

/** A view or function of which the script says by which locked relation it cannot be looked at. */
function lockedText(fact: Fact, locked: ReadonlyMap<string, Lock>): Fact {
    const lock = locked.get(fact.value);
    return { ...fact, value: lockWords(lock === undefined ? [] : [lock]) };
}

function lockedFact(name: string, partOf: string | null, value: string): Fact {
    return { name, part_of: partOf, aspect: LOCKED, item: "", value };
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
