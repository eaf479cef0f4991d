import { renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import type { TableDefinition, TableName } from "./tableDefinition";

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
 * {@link auditGrants} once the partitions of the tables are known: their staging is in schemas of the partitions' names, which
 * only the source's catalog names.
 */
export function auditRights(
    audited: readonly TableName[],
    definitions: readonly TableDefinition[],
): SqlFile[] {
    const partitions = definitions.flatMap((definition) => definition.partitions ?? []);
    const listed = new Set(audited.map(({ schema }) => schema));
    const added = [...new Set(partitions.map(({ schema }) => schema))].filter(
        (schema) => schema !== "public" && !listed.has(schema),
    );
    return [
        ...added.map((schema) => renderSql("sql/audit/schema.sql", { schema })),
        auditGrants([...audited, ...partitions]),
    ];
}

/**
 * What DMS's user may do on the source cluster. It gets what it lacks and loses what it has on tables that are not listed.
 * @param audited The audited tables, and the marker table.
 */
export function sourceGrants(audited: readonly TableName[]): SqlFile {
    const rows = [
        ...new Map(
            audited.map(({ schema, table }) => [
                JSON.stringify([schema, table]),
                { schema, table },
            ]),
        ).values(),
    ];
    return renderSql("sql/source/grants.sql", {
        tables: SqlFragment.each("(:'schema', :'table')", rows, ", "),
    });
}
