import type { SqlFile, TableName } from "./trail/shape";
import { renderSql, SqlFragment } from "./trail/template";

/**
 * Every right on the audit cluster, and the deploying user's membership in the roles that own the trail. Can be run at any
 * time, and gives what is missing on what is there: first before anything that acts as the owner, then after it. The roles,
 * and the schemas of the tables, must exist.
 * @param audited The audited tables, and the marker table.
 */
export function auditGrants(audited: readonly TableName[]): SqlFile {
    const schemas = [...new Set(audited.map(({ schema }) => schema))].sort();
    return renderSql("sql/audit/grants.sql", { schemas: SqlFragment.literals(schemas) });
}

/**
 * What DMS's user may do on the source cluster. It gets what it lacks and loses what it has on tables that are not listed.
 * @param audited The audited tables, and the marker table.
 */
export function sourceGrants(audited: readonly TableName[]): SqlFile {
    const rows = audited.map(({ schema, table }) => ({ schema, table }));
    return renderSql("sql/source/grants.sql", {
        tables: SqlFragment.each("(:'schema', :'table')", rows, ", "),
    });
}
