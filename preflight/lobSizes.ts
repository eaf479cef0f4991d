import { renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import type { CatalogRow } from "../trail/catalogRow";
import { choicesFor, type TableChoices } from "../trail/columnChoices";
import { LARGE_OBJECT_TYPES } from "../trail/dmsTypes";
import { foreignText } from "../trail/foreignTypes";
import { holdTable } from "../trail/heldTable";
import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { bytesText } from "./amounts";
import { type Finding, PAGES } from "./finding";
import type { Query } from "./readFacts";
import type { TableFacts } from "./sourceFacts";

/** Tables up to this size are read whole; of a larger one a sample of about this size. */
const WHOLE_BYTES = 256 * 1024 * 1024;

/** How long the look at one column may take, in milliseconds. */
const LOOK_MS = 10_000;

/** What is known of the largest value of a column. */
export interface LobSize {
    readonly table: string;
    readonly column: string;
    /** Undefined where it could not be found out. */
    readonly bytes: number | undefined;
    /** Percent of the table's pages that were read, 100 for a look at all rows. */
    readonly percent: number;
    /** Why it could not be found out. */
    readonly problem?: string;
}

/** Looks for the largest values of those columns that DMS carries as large objects and that the trail does not leave out. */
export async function readLobSizes(
    query: Query,
    catalog: readonly CatalogRow[],
    tables: readonly TableFacts[],
    choices: readonly TableChoices[],
): Promise<LobSize[]> {
    const sizes: LobSize[] = [];
    await query("SELECT pg_catalog.set_config('statement_timeout', $1, false)", [String(LOOK_MS)]);
    for (const row of catalog.filter(({ relkind }) => relkind === "r" || relkind === "p")) {
        const facts = tables.find(
            ({ schema, table }) => schema === row.table_schema && table === row.table_name,
        );
        const share = (100 * WHOLE_BYTES) / Math.max(Number(facts?.bytes ?? 0), 1);
        const percent = share >= 100 ? 100 : Math.max(1, Math.trunc(share));
        for (const column of largeColumns(row, choices)) {
            sizes.push(await sizeOf(query, row, column, percent));
        }
    }
    await query("SELECT pg_catalog.set_config('statement_timeout', '0', false)", []);
    return sizes;
}

function largeColumns(
    row: CatalogRow,
    choices: readonly TableChoices[],
): { readonly name: string; readonly type: string }[] {
    const chosen = choicesFor(choices, { schema: row.table_schema, table: row.table_name });
    return row.columns.filter(
        ({ name, type, element }) =>
            chosen.get(name)?.kind !== "exclude" &&
            (type.endsWith("[]") || LARGE_OBJECT_TYPES.has(element)),
    );
}

async function sizeOf(
    query: Query,
    row: CatalogRow,
    { name, type }: { readonly name: string; readonly type: string },
    percent: number,
): Promise<LobSize> {
    const found = {
        table: formatTableName({ schema: row.table_schema, table: row.table_name }),
        column: name,
        percent,
    };
    try {
        await query("BEGIN READ ONLY", []);
        await query(holdScript(row, { name, type }).sql, []);
        const table = { schema: row.table_schema, table: row.table_name };
        const [size] = await query<{ bytes: string | null }>(
            lobScript(table, { name, type }, percent).sql,
            [],
        );
        return { ...found, bytes: Number(size?.bytes ?? 0) };
    } catch (error) {
        return { ...found, bytes: undefined, problem: messageOf(error) };
    } finally {
        await query("ROLLBACK", []);
    }
}

/** Only a bytea is read by more than its type's own output function. */
function holdScript(
    { table_schema: schema, table_name: table, columns }: CatalogRow,
    read: { readonly name: string; readonly type: string },
): SqlFile {
    const known = columns.filter(({ name }) => read.type !== "bytea" || name !== read.name);
    return holdTable(
        { schema, table },
        known.map(({ name }) => name),
    );
}

/** The query for the largest value of a column; of a sample of pages where `percent` is less than 100. */
export function lobScript(
    { schema, table }: TableName,
    { name: column, type }: { readonly name: string; readonly type: string },
    percent: number,
): SqlFile {
    const value = type === "bytea" ? 't.:"column"' : foreignText("column");
    const sample = percent === 100 ? [] : [{ percent: SqlFragment.integer(percent) }];
    return renderSql("sql/source/preflight/lob_size.sql", {
        schema,
        table,
        value: SqlFragment.each(value, [{ column }]),
        part: SqlFragment.each("TABLESAMPLE SYSTEM (:percent)", sample),
    });
}

/**
 * Values beyond the limit, which stop the task.
 *
 * @param limitKb the config key `maxLobSizeKb`
 */
export function lobFindings(sizes: readonly LobSize[], limitKb: number): Finding[] {
    return sizes.flatMap((one): Finding[] => {
        const { table, column, bytes, percent } = one;
        const where = `the column "${column}" of ${table}`;
        if (bytes === undefined) {
            return [
                {
                    check: "large objects",
                    severity: "note",
                    found: `The largest value of ${where} could not be found out (${one.problem ?? ""}).`,
                    wanted: `No value above maxLobSizeKb, ${limitKb} KB.`,
                    mend: "Look for it where there is time, with max(octet_length()).",
                    source: PAGES.dmsAssessment,
                },
            ];
        }
        const seen = percent === 100 ? "of all rows" : `in a sample of ${percent} % of the pages`;
        const wanted = Math.ceil((bytes * 2) / 1024);
        if (bytes <= limitKb * 1024) {
            return [];
        }
        return [
            {
                check: "large objects",
                severity: "must",
                found: `The largest value ${seen} of ${where} has ${bytesText(bytes)}, which stops the task at ${limitKb} KB.`,
                wanted: "maxLobSizeKb above the largest value, with room to grow.",
                mend: `pulumi config set maxLobSizeKb ${wanted}, or exclude the column in audit-trail:columns.`,
                source: PAGES.dmsAssessment,
            },
        ];
    });
}
