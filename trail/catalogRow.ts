import type { CaptureFacts } from "./captureProblems";
import type { ColumnDefinition, ExtensionName, TableName } from "./tableDefinition";

/** One row of sql/source/catalog.sql, as pg hands it over. */
export interface CatalogRow extends CaptureFacts {
    /** `pg_class.relkind`; null when there is no such table. */
    readonly relkind: string | null;
    readonly oid: string | null;
    readonly columns: readonly CatalogColumn[];
    /** Whether row security hides rows from the session that asks. */
    readonly hides_rows_from_me?: boolean | null;
    /** Whether it has BEFORE triggers that can change the row of any UPDATE. */
    readonly updates_are_rewritten?: boolean;
    /** Names of the guards that are there and work. */
    readonly guards?: readonly string[];
    /** Of a table that is missing: what it is called now that had its name; null when there is no such table any more. */
    readonly now_called?: TableName | null;
}

/** One row of sql/source/former_names.sql. */
export interface FormerName extends TableName {
    readonly oid: string;
}

/** A column, and what is needed to judge its type: that of an array's elements for an array. */
export interface CatalogColumn extends Omit<ColumnDefinition, "extension" | "missing"> {
    readonly element: string;
    /** `pg_type.typtype`. */
    readonly elementKind: string;
    /** Whether the type belongs to `pg_catalog`. */
    readonly builtIn: boolean;
    /** Which extension the type belongs to. */
    readonly extension?: ExtensionName | null;
    readonly missing?: string | null;
    /** The name of its collation if that is not deterministic. */
    readonly looseCollation?: string | null;
}
