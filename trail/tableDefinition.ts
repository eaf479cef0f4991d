/** A table of the source, named as its catalog names it (case-sensitive, unquoted). */
export interface TableName {
    readonly schema: string;
    readonly table: string;
}

/** One column of a source table. */
export interface ColumnDefinition {
    readonly name: string;
    /** As `format_type()` writes it, qualified when the type is not one of PostgreSQL's own. */
    readonly type: string;
    /** The type that it has at the source, where the config chose another one for staging. */
    readonly sourceType?: string;
    /** `pg_attribute.attnum`, which a renamed column keeps. */
    readonly attnum: number;
    /** The value, as text, that rows older than the column have: the default that ADD COLUMN gave it. */
    readonly missing?: string;
    /** Where the type comes from when it is not one of PostgreSQL's own. */
    readonly extension?: ExtensionName;
}

/** An extension, and the schema that holds its objects. */
export interface ExtensionName {
    readonly name: string;
    readonly schema: string;
}

/** A table that holds rows of a partitioned one: a leaf, at whatever depth. */
export interface Partition extends TableName {
    /** `pg_class.oid`. */
    readonly oid: string;
}

/** What the trail has to know of a source table; columns in table order, the key in key order. */
export interface TableDefinition extends TableName {
    /** `pg_class.oid`: `attnum` means something only within one table. */
    readonly oid: string;
    readonly columns: readonly ColumnDefinition[];
    readonly primaryKey: readonly string[];
    /** Of a partitioned table: what holds its rows, and what DMS replicates in its place. Undefined for a plain table. */
    readonly partitions?: readonly Partition[];
    /** Columns of the source that the config leaves out of the trail, none of which is among `columns`. */
    readonly excluded?: readonly ExcludedColumn[];
}

/** A column that the trail does not have. */
interface ExcludedColumn {
    readonly name: string;
    /** As the source has it. */
    readonly type: string;
    readonly attnum: number;
    /** Why, in the words of the config. */
    readonly reason: string;
    /** Since when, ISO 8601, where that is known and not always. */
    readonly since?: string;
}

/** A table that DMS is told to replicate. */
export interface ReplicatedTable extends TableName {
    /** The table of the config that it is a part of. */
    readonly partitionOf?: TableName;
    /** The staging table that its task fills, where that is not named after it: another task fills that one. */
    readonly staging?: string;
}

/** The tables that DMS replicates: of a partitioned one its partitions, because their names are what the WAL has. */
export function replicatedTables(
    tables: readonly Pick<TableDefinition, "schema" | "table" | "partitions">[],
): ReplicatedTable[] {
    return tables.flatMap(({ schema, table, partitions }): ReplicatedTable[] =>
        partitions === undefined
            ? [{ schema, table }]
            : partitions.map((leaf) => ({
                  schema: leaf.schema,
                  table: leaf.table,
                  partitionOf: { schema, table },
              })),
    );
}

/** A table's definition among all, or an error that says which one is missing. */
export function definitionOf(
    definitions: readonly TableDefinition[],
    { schema, table }: TableName,
): TableDefinition {
    const definition = definitions.find((one) => one.schema === schema && one.table === table);
    if (definition !== undefined) {
        return definition;
    }
    throw new Error(
        `The source's catalog has no ${schema}.${table}; create it, or remove it from audit-trail:tables.`,
    );
}
