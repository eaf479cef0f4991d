import { createHash } from "node:crypto";
import { renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import { excludedColumns, type TableChoices } from "./columnChoices";
import { textSettings, triggerFunction } from "./logFunction";
import { formatTableName, trailNames } from "./names";
import type { TableDefinition, TableName } from "./tableDefinition";
import { DEFAULT_GROUP, type GroupedTable } from "./tableGroups";

/** A query for what is not as a deployment of these tables leaves it, in the words of a script's look. */
export function lookFile(definitions: readonly TableDefinition[]): SqlFile {
    const rows = definitions.map((definition) => {
        const names = trailNames(definition);
        const settings = textSettings(definition).map(({ name, value }) => `${name}=${value}`);
        const { name, body } = triggerFunction(definition);
        return {
            about: formatTableName(definition),
            schema: definition.schema,
            staging: names.staging,
            audit_log: names.auditLog,
            function_name: name,
            body_hash: createHash("sha256").update(body).digest("hex"),
            settings: SqlFragment.literals(["search_path=pg_catalog, pg_temp", ...settings]),
            partitions: JSON.stringify(
                (definition.partitions ?? []).map((leaf) => [
                    leaf.schema,
                    trailNames(leaf).staging,
                    formatTableName(leaf),
                ]),
            ),
        };
    });
    return renderSql("sql/audit/look.sql", {
        audited: SqlFragment.each(
            "(:'about', :'schema', :'staging', :'audit_log', :'function_name', :'body_hash', ARRAY[:settings], :'partitions')",
            rows,
            ",\n        ",
        ),
    });
}

/** Notes which tables have left the list or their group, before DMS's mapping changes; see the file. */
export function leaveFile(audited: readonly GroupedTable[]): SqlFile {
    return renderSql("sql/audit/leave.sql", { audited: groupsOf(audited) });
}

/** Lets tables into another group, once the task of the one before has given them up; see the file. */
export function joinGroupFile(audited: readonly GroupedTable[]): SqlFile {
    return renderSql("sql/audit/join_group.sql", { audited: groupsOf(audited) });
}

/** Removes the triggers of tables that have left the list, and records a gap for those that are back; see the file. */
export function retireFile(audited: readonly TableName[]): SqlFile {
    return renderSql("sql/audit/retire.sql", { audited: namesOf(audited) });
}

function namesOf(audited: readonly TableName[]): SqlFragment {
    const rows = audited.map(({ schema, table }) => ({ schema, table }));
    return SqlFragment.each("(:'schema', :'table')", rows, ", ");
}

/** Each table with its group. */
function groupsOf(audited: readonly GroupedTable[]): SqlFragment {
    const rows = audited.map(({ schema, table, group = DEFAULT_GROUP }) => ({
        schema,
        table,
        group,
    }));
    return SqlFragment.each("(:'schema', :'table', :'group')", rows, ", ");
}

/** Takes the columns that are left out of the trail from staging; no file where there are none. See the file. */
export function forgetColumnsFiles(
    audited: readonly TableName[],
    choices: readonly TableChoices[],
): SqlFile[] {
    const rows = audited.flatMap((table) =>
        excludedColumns(choices, table).map((column) => ({
            schema: table.schema,
            table: table.table,
            column,
        })),
    );
    return rows.length === 0
        ? []
        : [
              renderSql("sql/audit/forget_columns.sql", {
                  excluded: SqlFragment.each("(:'schema', :'table', :'column')", rows, ", "),
              }),
          ];
}
