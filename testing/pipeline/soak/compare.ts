import { type Client, escapeLiteral } from "pg";
import { HEADER_COLUMNS } from "../../../trail/headerColumns";
import { trailNames } from "../../../trail/names";
import type { TableName } from "../../../trail/tableDefinition";
import { qualified } from "../tables";
import { COMING_AND_GOING, SOAK_KEYS } from "./tables";

interface Digest {
    readonly row: string;
    readonly changes: number;
    readonly digest: string;
}

export interface Comparison {
    readonly table: string;
    readonly changes: number;
    readonly keys: number;
    readonly problems: readonly string[];
}

const LEFT_OUT = escapeLiteral(COMING_AND_GOING.name);
const TIME = "'YYYY-MM-DD HH24:MI:SS.US'";

/**
 * Compares a log with what the source's own row triggers recorded: every key's changes in their order, with operation,
 * old row, new row and commit time; then staging with the table, row by row.
 */
export async function compareTable(
    source: Client,
    audit: Client,
    table: TableName,
): Promise<Comparison> {
    const names = trailNames(table);
    const log = qualified({ ...table, table: names.auditLog });
    const staging = qualified({ ...table, table: names.staging });
    const key = (SOAK_KEYS[table.table] ?? [])
        .map((name) => `${escapeLiteral(name)}, r -> ${escapeLiteral(name)}`)
        .join(", ");
    const expected = await digests(
        source,
        `SELECT jsonb_build_object(${key}) AS row_key, h.change_id AS place,
                concat_ws(' ', h.operation, h.old_row - ${LEFT_OUT}, h.new_row - ${LEFT_OUT},
                    to_char(pg_xact_commit_timestamp(h.xid) AT TIME ZONE 'UTC', ${TIME})) AS change
            FROM history AS h, coalesce(h.new_row, h.old_row) AS r
            WHERE h.table_name = ${escapeLiteral(table.table)}`,
    );
    const logged = await digests(
        audit,
        `SELECT row_key, audit_id AS place,
                concat_ws(' ', operation, old_row_data - ${LEFT_OUT}, new_row_data - ${LEFT_OUT},
                    to_char(commit_timestamp AT TIME ZONE 'UTC', ${TIME})) AS change
            FROM ${log} WHERE operation <> 'B'`,
    );
    const problems = [
        ...differences(expected, logged, "log"),
        ...differences(await images(source, qualified(table)), await images(audit, staging), "row"),
    ];
    const changes = [...expected.values()].reduce((sum, one) => sum + one.changes, 0);
    return {
        table: `${table.schema}.${table.table}`,
        changes,
        keys: expected.size,
        problems,
    };
}

async function digests(client: Client, sql: string): Promise<Map<string, Digest>> {
    const { rows } = await client.query<Digest>(
        `SELECT row_key::text AS row, count(*)::int AS changes, md5(string_agg(change, E'\\n' ORDER BY place)) AS digest
            FROM (${sql}) AS c GROUP BY row_key`,
    );
    return new Map(rows.map((row) => [row.row, row]));
}

async function images(client: Client, table: string): Promise<Map<string, Digest>> {
    const { rows } = await client.query<Digest>(
        `SELECT md5(image) AS row, 1 AS changes, '' AS digest
            FROM (SELECT (to_jsonb(t.*) - '{${HEADER_COLUMNS.join(",")}}'::text[] - ${LEFT_OUT})::text AS image
                FROM ${table} AS t) AS i`,
    );
    return new Map(rows.map((row) => [row.row, row]));
}

function differences(
    expected: ReadonlyMap<string, Digest>,
    found: ReadonlyMap<string, Digest>,
    what: string,
): string[] {
    return [...new Set([...expected.keys(), ...found.keys()])].flatMap((row) => {
        const [a, b] = [expected.get(row), found.get(row)];
        if (a?.digest === b?.digest && a?.changes === b?.changes) {
            return [];
        }
        return [
            `${what} ${row}: ${a?.changes ?? 0} at the source, ${b?.changes ?? 0} in the trail`,
        ];
    });
}
