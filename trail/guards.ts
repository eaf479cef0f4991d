import { renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import { holdTable } from "./heldTable";
import { formatTableName } from "./names";
import { schemas } from "./rolesAndSchemas";
import type { ColumnDefinition, TableDefinition, TableName } from "./tableDefinition";

/**
 * The table on the source whose rows tell the audit side what the WAL does not: a TRUNCATE, a change of a key, a point
 * to compare at. It is audited like the tables of the config.
 */
export const MARKER_TABLE: TableName = { schema: schemas.trail, table: "marker" };

/** What happens when somebody does to a table what DMS cannot replicate: it fails, or it is recorded as a gap. */
type Guard = "refuse" | "record";

/** How one source table is guarded. */
export interface TableGuards {
    readonly truncate: Guard;
    readonly keyUpdate: Guard;
    /**
     * Whether the guard looks at every UPDATE and not only at those that name a column of the key: a BEFORE trigger of the
     * application can change the key in any. It costs a statement some microseconds (docs/decisions.md).
     */
    readonly everyUpdate?: boolean;
    /** Whether everybody keeps the right to truncate, which the guard refuses to use: rights of others are theirs to give. */
    readonly keepsRights?: boolean;
}

/** The names of the triggers that such guards are made of. */
export function guardNames({ truncate, keyUpdate }: TableGuards): string[] {
    return [`audit_trail_${truncate}_truncate`, `audit_trail_${keyUpdate}_key_update`];
}

/** The trigger that keeps values within the limits which the config declares for columns. */
export const LIMIT_GUARD = "audit_trail_refuse_over_limit";

/** The columns of a table for which the config declares a limit. */
export function limitedColumns({ columns }: TableDefinition): readonly ColumnDefinition[] {
    return columns.filter(({ sourceType = "" }) =>
        ["numeric", "character varying"].includes(sourceType),
    );
}

/**
 * Whether one of a row's values is beyond its column's limit, as SQL. A NaN, or an infinity, is greater than all other numbers.
 *
 * @param row what the row is called there
 */
function isOverLimit(definition: TableDefinition, row: "NEW" | "t"): SqlFragment {
    const conditions = limitedColumns(definition).map(({ name, type }) => {
        const [first = 0, scale = 0] = [...type.matchAll(/\d+/gu)].map(Number);
        const variables = {
            name,
            length: SqlFragment.integer(first),
            scale: SqlFragment.integer(scale),
            bound: `1${"0".repeat(Math.max(first - scale, 0))}`,
        };
        const condition = type.startsWith("numeric")
            ? `pg_catalog.abs(${row}.:"name") >= CAST(:'bound' AS numeric) OR ${row}.:"name" <> pg_catalog.round(${row}.:"name", :scale)`
            : `pg_catalog.char_length(${row}.:"name") > :length`;
        return { condition: SqlFragment.each(condition, [variables]) };
    });
    return SqlFragment.each(":condition", conditions, " OR ");
}

/** The columns that a look at the limits does not read, and those that the config leaves out. */
function notLimited(definition: TableDefinition): string[] {
    const limited = limitedColumns(definition);
    return [
        ...definition.columns.filter((column) => !limited.includes(column)),
        ...(definition.excluded ?? []),
    ].map(({ name }) => name);
}

/** The limits in words, one for each column. */
function limitWords(definition: TableDefinition): string[] {
    return limitedColumns(definition).map(({ name, type }) => `${name} ${type}`);
}

/**
 * Looks whether the rows that are there keep to the declared limits: to be run in a transaction after that of
 * {@link guardFiles}. No file where there are no limits.
 */
export function limitCheckFiles(definition: TableDefinition): SqlFile[] {
    return limitedColumns(definition).length === 0
        ? []
        : [
              holdTable(definition, notLimited(definition)),
              renderSql("sql/source/check_limits.sql", {
                  schema: definition.schema,
                  table: definition.table,
                  is_over: isOverLimit(definition, "t"),
                  about: formatTableName(definition),
                  limits: limitWords(definition).join(", "),
              }),
          ];
}

/** The marker table and the functions of the guards, once per source database. */
export function markerFiles(): SqlFile[] {
    return [renderSql("sql/source/marker.sql")];
}

/**
 * One source table's guards and replica identity. Without guards those of an earlier deployment are taken away.
 *
 * A TRUNCATE and an update of a primary key are not replicated by DMS, and it does not say so:
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html (limitations).
 */
export function guardFiles(
    definition: TableDefinition,
    guards: TableGuards | undefined,
    fullReplicaIdentity: boolean,
): SqlFile[] {
    const { schema, table } = definition;
    const key = definition.primaryKey.map((column) => ({ column }));
    const files = [renderSql("sql/source/guard_begin.sql", { schema, table })];
    if (guards !== undefined || fullReplicaIdentity) {
        files.push(renderSql("sql/source/guard_owners.sql", { schema, table }));
    }
    if (guards !== undefined) {
        files.push(
            renderSql("sql/source/guard_truncate.sql", {
                schema,
                table,
                trigger: `audit_trail_${guards.truncate}_truncate`,
                function: `${guards.truncate}_truncate`,
            }),
            renderSql("sql/source/guard_key_update.sql", {
                schema,
                table,
                trigger: `audit_trail_${guards.keyUpdate}_key_update`,
                function: `${guards.keyUpdate}_key_update`,
                of_key_columns: SqlFragment.each(
                    "OF :columns",
                    guards.everyUpdate === true
                        ? []
                        : [{ columns: SqlFragment.identifiers(definition.primaryKey) }],
                ),
                old_key: SqlFragment.each('OLD.:"column"', key, ", "),
                new_key: SqlFragment.each('NEW.:"column"', key, ", "),
                key_names: SqlFragment.literals(definition.primaryKey),
            }),
        );
        if (definition.partitions !== undefined) {
            files.push(
                renderSql("sql/source/guard_partitions.sql", {
                    schema,
                    table,
                    trigger: `audit_trail_${guards.truncate}_truncate`,
                }),
            );
        }
        if (limitedColumns(definition).length > 0) {
            files.push(
                renderSql("sql/source/guard_limits.sql", {
                    schema,
                    table,
                    is_over: isOverLimit(definition, "NEW"),
                    limits: SqlFragment.literals(limitWords(definition)),
                }),
            );
        }
        if (guards.truncate === "refuse" && guards.keepsRights !== true) {
            files.push(renderSql("sql/source/guard_revoke_truncate.sql", { schema, table }));
        }
    }
    const identity = fullReplicaIdentity ? "full" : "before";
    files.push(
        renderSql(`sql/source/replica_identity_${identity}.sql`, { schema, table }),
        renderSql("sql/source/guard_end.sql"),
    );
    return files;
}

/** Takes the guards of an earlier deployment from all tables but these. */
export function guardOthersFiles(audited: readonly TableName[]): SqlFile[] {
    const rows = audited.map(({ schema, table }) => ({ schema, table }));
    return [
        renderSql("sql/source/guard_others.sql", {
            audited: SqlFragment.each("(:'schema', :'table')", rows),
        }),
    ];
}
