import { formatTableName } from "./names";
import type { TableName } from "./tableDefinition";

/** What decides whether all rows and all changes of a source table reach DMS, as sql/source/catalog.sql reads it. */
export interface CaptureFacts {
    readonly table_schema: string;
    readonly table_name: string;
    readonly columns: readonly { readonly name: string; readonly looseCollation?: string | null }[];
    readonly primary_key: readonly string[];
    readonly key_is_deferrable?: boolean;
    /** `pg_class.relpersistence`. */
    readonly persistence?: string | null;
    /** `pg_class.relreplident` where it is neither DEFAULT nor FULL. */
    readonly other_identity?: string | null;
    /** Whether row security hides rows from the user with which DMS loads. */
    readonly hides_rows_from_dms?: boolean | null;
    /** Tables that inherit from it; partitions are none. */
    readonly children?: readonly TableName[];
    /** The leaves of a partitioned table; null or absent for any other. */
    readonly partitions?: readonly PartitionFacts[] | null;
    /** Other tables of the source, audited or not, whose names differ from its own in case only. */
    readonly similar_tables?: readonly TableName[];
}

/** The same of a table that holds rows of a partitioned one; what is as it has to be is left out. */
interface PartitionFacts extends TableName {
    readonly oid: string;
    /** `pg_class.relkind` where it is not a plain table. */
    readonly kind?: string;
    readonly persistence?: string;
    readonly other_identity?: string;
    readonly hides_rows_from_dms?: boolean;
    readonly similar_tables?: readonly TableName[];
}

const IDENTITIES: Readonly<Record<string, string>> = { n: "NOTHING", i: "USING INDEX" };

/**
 * Why rows or changes of a table would not reach DMS: one sentence each, with the table, the reason and the mend. An
 * application can bring each of them about at any time, so that a deployment refuses them and verify asks again.
 *
 * Sources: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html (limitations, replica identity),
 * https://help.qlik.com/en-US/replicate/Content/Global_Common/Content/SharedReplicateHDD/PostgreSQL-Source/limitations_postgresql_source.htm
 * for names that differ in case (DMS has its engine), and PostgreSQL's manual: CREATE TABLE (UNLOGGED), ALTER TABLE (REPLICA
 * IDENTITY takes no deferrable index), "Row Security Policies", "Inheritance".
 */
export function captureProblems(facts: CaptureFacts): string[] {
    const table = formatTableName({ schema: facts.table_schema, table: facts.table_name });
    const problems: string[] = [];
    if (facts.key_is_deferrable === true) {
        problems.push(
            `The table ${table} has a deferrable primary key, which cannot be a replica identity, so that its deletes do not reach DMS: drop the key and add it again NOT DEFERRABLE.`,
        );
    }
    // Of a partitioned table DMS reads the leaves, and what is said of the parent does not hold for them.
    problems.push(
        ...(facts.partitions?.flatMap((leaf) => partitionProblems(table, leaf)) ?? [
            ...relationProblems(table, facts),
            ...similarNames(table, facts),
        ]),
    );
    if (facts.children !== undefined && facts.children.length > 0) {
        problems.push(
            `The table ${table} has tables that inherit from it (${facts.children.map(formatTableName).join(", ")}): DMS loads their rows as rows of ${table} and gets their changes under their own names. List them in its place, or take them out with NO INHERIT.`,
        );
    }
    return [...problems, ...keyProblems(table, facts)];
}

function partitionProblems(parent: string, leaf: PartitionFacts): string[] {
    const table = formatTableName(leaf);
    if (leaf.kind !== undefined) {
        const kind = leaf.kind === "f" ? "a foreign table" : "no plain table";
        return [
            `The partition ${table} of ${parent} is ${kind}, whose rows and changes are not in the source's WAL, from which DMS reads: detach it, or list the other partitions in place of ${parent}.`,
        ];
    }
    return [...relationProblems(table, leaf), ...similarNames(table, leaf)];
}

/** What concerns the table that holds the rows. */
function relationProblems(
    table: string,
    facts: Pick<CaptureFacts, "persistence" | "other_identity" | "hides_rows_from_dms">,
): string[] {
    const problems: string[] = [];
    if (facts.persistence === "u") {
        problems.push(
            `The table ${table} is UNLOGGED, and nothing that happens to its rows is in the WAL, from which DMS reads: ALTER TABLE ... SET LOGGED, or leave the table out.`,
        );
    }
    if (facts.persistence === "t") {
        problems.push(
            `The table ${table} is temporary, and nothing that happens to its rows is in the WAL, from which DMS reads: leave it out.`,
        );
    }
    if (typeof facts.other_identity === "string") {
        const identity = IDENTITIES[facts.other_identity] ?? facts.other_identity;
        problems.push(
            `The table ${table} has REPLICA IDENTITY ${identity}, with which its deletes do not reach DMS by the primary key: ALTER TABLE ... REPLICA IDENTITY DEFAULT.`,
        );
    }
    if (facts.hides_rows_from_dms === true) {
        problems.push(
            `The table ${table} has row security, which hides rows from DMS's user while it loads the table: ALTER TABLE ... DISABLE ROW LEVEL SECURITY, let that user see all rows (BYPASSRLS, which no membership passes on, or membership in the table's owner where it is not FORCED), or leave the table out.`,
        );
    }
    return problems;
}

function keyProblems(table: string, { columns, primary_key: key }: CaptureFacts): string[] {
    return columns.flatMap(({ name, looseCollation }) =>
        typeof looseCollation === "string" && key.includes(name)
            ? [
                  `The column "${name}" of ${table} is part of the primary key and has the collation ${looseCollation}, which is not deterministic: what is one key at the source would be several in the trail. Give the column another collation, or leave the table out.`,
              ]
            : [],
    );
}

function similarNames(
    table: string,
    { similar_tables: similar = [] }: Pick<CaptureFacts, "similar_tables">,
): string[] {
    return similar.map((other) => {
        const [one, two] = [table, formatTableName(other)].sort();
        return `The names of the tables ${one ?? ""} and ${two ?? ""} differ in case only, and DMS does not tell such tables apart reliably: rename one of them.`;
    });
}
