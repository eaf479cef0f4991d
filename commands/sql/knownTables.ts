import { MARKER_TABLE } from "../../trail/guards";
import type { ColumnDefinition, TableDefinition } from "../../trail/tableDefinition";

/** In the place of a table's oid, which only a server gives. */
const NO_OID = "0";

function column(attnum: number, name: string, type: string): ColumnDefinition {
    return { name, type, attnum };
}

/** The table of sql/source/items.sql, as the source's catalog has it once it is made. */
export const DEMO: TableDefinition = {
    schema: "public",
    table: "items",
    oid: NO_OID,
    columns: [
        column(1, "item_id", "integer"),
        column(2, "name", "character varying(100)"),
        column(3, "price", "numeric(10,2)"),
    ],
    primaryKey: ["item_id"],
};

/** The table of sql/source/marker.sql. */
export const MARKER: TableDefinition = {
    ...MARKER_TABLE,
    oid: NO_OID,
    columns: [
        column(1, "marker_id", "bigint"),
        column(2, "kind", "character varying(30)"),
        column(3, "table_schema", "character varying(63)"),
        column(4, "table_name", "character varying(63)"),
        column(5, "detail", "character varying(2000)"),
        column(6, "created_at", "timestamp with time zone"),
    ],
    primaryKey: ["marker_id"],
};

/**
 * A table that shows what a plain one does not: two partitions, and a column for each thing that the config can say of one. Its
 * definition is in test/commands/sql.spec.ts.
 */
export const PARTITIONED: TableDefinition = {
    schema: "public",
    table: "readings",
    oid: NO_OID,
    columns: [
        column(1, "sensor", "integer"),
        column(2, "taken_at", "timestamp with time zone"),
        { ...column(3, "value", "numeric(12,4)"), sourceType: "numeric" },
        { ...column(4, "place", "character varying(255)"), sourceType: "point" },
        { ...column(5, "note", "character varying(200)"), sourceType: "character varying" },
    ],
    excluded: [{ name: "words", type: "tsvector", attnum: 6, reason: "made of the other columns" }],
    primaryKey: ["sensor", "taken_at"],
    partitions: [
        { schema: "public", table: "readings_2026", oid: NO_OID },
        { schema: "public", table: "readings_2027", oid: NO_OID },
    ],
};
