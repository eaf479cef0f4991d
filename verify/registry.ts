import { renderSql } from "../database/sqlTemplate";
import { schemas } from "../trail/rolesAndSchemas";
import type { TableName } from "../trail/tableDefinition";
import { DEFAULT_GROUP } from "../trail/tableGroups";
import { type ChosenColumn, readChosenColumns } from "./chosenColumns";
import type { Database } from "./database";
import { LockedError } from "./locks";
import type { StagingPartition } from "./partitionDefinitions";
import { readRegistered, type RegisteredTable } from "./sourceTables";

/** A table that has a trail, as the trail's registry knows it. */
export interface AuditedTable extends TableName {
    readonly tombstone: string;
    /** The functions behind its trigger, `audit_trail.name()`. */
    readonly functions: readonly string[];
    /** The name of the group whose task carries it. */
    readonly table_group: string;
    /** Whether it left the list, so that nothing is demanded of it. */
    readonly has_left: boolean;
    /** ISO 8601, UTC: since when a reload is under way; null as a rule. */
    readonly reload_began_at: string | null;
}

/** The columns that a table has or had. */
interface KnownColumns extends TableName {
    readonly columns: readonly string[];
}

/** The staging tables of a partitioned table's partitions. */
interface KnownPartitions extends TableName {
    readonly partitions: readonly StagingPartition[];
}

/**
 * Gives what was read.
 *
 * @throws LockedError where somebody had locked it
 */
type Reading<T> = () => T;

/** What deployments have entered of the audited tables: each part for itself, because somebody may have locked another. */
export interface Registry {
    readonly tables: Reading<readonly AuditedTable[]>;
    readonly deployed: Reading<readonly RegisteredTable[]>;
    readonly chosenColumns: Reading<readonly ChosenColumn[]>;
    readonly knownColumns: Reading<readonly KnownColumns[]>;
    readonly partitions: Reading<readonly KnownPartitions[]>;
}

/** Reads the registry, as far as nobody has locked it. */
export async function readRegistry(audit: Database): Promise<Registry> {
    return {
        tables: await reading(() => audit.rows(renderSql("sql/verify/audited_tables.sql"))),
        deployed: await reading(() => readRegistered(audit)),
        chosenColumns: await reading(() => readChosenColumns(audit)),
        knownColumns: await reading(() => audit.rows(renderSql("sql/verify/known_columns.sql"))),
        partitions: await reading(() => audit.rows(renderSql("sql/verify/staging_partitions.sql"))),
    };
}

async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
    try {
        const found = await read();
        return () => found;
    } catch (error) {
        if (!(error instanceof LockedError)) {
            throw error;
        }
        return () => {
            throw error;
        };
    }
}

/** None where somebody had locked them; each check that needs them says so. */
export function asFarAsRead<T>(entries: Reading<readonly T[]>): readonly T[] {
    try {
        return entries();
    } catch (error) {
        if (!(error instanceof LockedError)) {
            throw error;
        }
        return [];
    }
}

/** The entry of one table. */
export function entryOf<T extends TableName>(
    entries: readonly T[],
    { schema, table }: TableName,
): T | undefined {
    return entries.find((one) => one.schema === schema && one.table === table);
}

/** The default group comes first. */
function rank(group: string): number {
    return group === DEFAULT_GROUP ? 0 : 1;
}

/** The groups that have a task, by the markers that it brings. */
export function groupsIn(audited: readonly AuditedTable[]): string[] {
    return audited
        .filter(({ schema, has_left: hasLeft }) => schema === schemas.trail && !hasLeft)
        .map((one) => one.table_group)
        .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
}
