import { tables } from "../config/listParsers";
import { renderSql } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import { fit, printable, WIDTH } from "../text/terminalLines";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters, listProblems, tableProblems } from "../trail/catalogTables";
import { columnProblems } from "../trail/columnProblems";
import { formatTableName } from "../trail/names";
import { schemas } from "../trail/rolesAndSchemas";
import type { TableName } from "../trail/tableDefinition";
import type { Database } from "./database";

/** A table of the source: whether it is audited, and if not, whether it could be. */
export interface Candidate {
    /** As `audit-trail:tables` has it. */
    readonly table: string;
    /** "choice": it could be, when `audit-trail:columns` says what the trail has of some columns. */
    readonly state: "audited" | "possible" | "choice" | "impossible";
    /** Whole sentences: why it cannot be listed, which columns need a choice, or what is wrong with an audited table. */
    readonly reasons: readonly string[];
    /** The columns that need a choice, each with what the config may say of it, the recommended first, as YAML. */
    readonly columns: readonly { readonly column: string; readonly choices: readonly string[] }[];
}

/** One row of sql/status/source_tables.sql. */
interface SourceTableName extends TableName {
    /** The partitioned tables that it is a part of. */
    readonly part_of: readonly TableName[];
}

/** Reads what {@link candidatesOf} judges. */
export async function readCandidates(
    source: Database,
    audited: readonly TableName[],
): Promise<Candidate[]> {
    const present = await source.rows<SourceTableName>(renderSql("sql/status/source_tables.sql"), [
        Object.values(schemas),
    ]);
    const names = new Set(present.map(formatTableName));
    const gone = audited
        .filter((table) => !names.has(formatTableName(table)))
        .map((table) => ({ ...table, part_of: [] }));
    const tables = [...present, ...gone];
    const rows = await source.rows<CatalogRow>(
        renderSql("sql/source/catalog.sql"),
        catalogParameters(tables),
    );
    return candidatesOf(tables, rows, audited);
}

/**
 * Judges each table by what a deployment would say if it were added to those that are audited. A partition is left out where
 * a table that it is a part of is audited or could be.
 *
 * @param rows those of the tables, in their order
 */
function candidatesOf(
    tables: readonly SourceTableName[],
    rows: readonly CatalogRow[],
    audited: readonly TableName[],
): Candidate[] {
    const listed = new Set(audited.map(formatTableName));
    const auditedRows = rows.filter((row) => listed.has(nameOfRow(row)));
    const known = new Set(listProblems(auditedRows));
    const judged = rows.map((row): Candidate => {
        const table = nameOfRow(row);
        if (listed.has(table)) {
            return { table, state: "audited", reasons: tableProblems(row), columns: [] };
        }
        const together = listProblems([...auditedRows, row]).filter((one) => !known.has(one));
        return judge(row, [...nameProblems(audited, row), ...together]);
    });
    const whole = new Set(
        judged.filter(({ state }) => state !== "impossible").map(({ table }) => table),
    );
    return judged.filter(
        ({ table }, index) =>
            listed.has(table) ||
            tables[index]?.part_of.some((one) => whole.has(formatTableName(one))) !== true,
    );
}

function nameOfRow({ table_schema: schema, table_name: table }: CatalogRow): string {
    return formatTableName({ schema, table });
}

/** What the config would say of the name. */
function nameProblems(audited: readonly TableName[], row: CatalogRow): string[] {
    const name = nameOfRow(row);
    try {
        tables.parse(JSON.stringify([...audited.map(formatTableName), name]));
        return [];
    } catch (error) {
        return [`The table ${name} cannot be listed: ${messageOf(error)}.`];
    }
}

function judge(row: CatalogRow, others: readonly string[]): Candidate {
    const table = nameOfRow(row);
    const isTable = row.relkind === "r" || row.relkind === "p";
    const bad = (isTable ? columnProblems(row, new Map()) : [])
        .filter(({ problems }) => problems.length > 0)
        .map(({ column, problems }) => ({
            column,
            sentences: problems.map(({ sentence }) => sentence),
            choices: problems.every(({ choices }) => choices.length > 0)
                ? (problems[0]?.choices ?? []).filter((choice) => holds(row, column, choice))
                : [],
        }));
    const hopeless = bad.filter(({ choices }) => choices.length === 0);
    const firm = [
        ...new Set([
            ...tableProblems(row),
            ...others,
            ...hopeless.flatMap(({ sentences }) => sentences),
        ]),
    ];
    const open = bad.filter(({ choices }) => choices.length > 0);
    const state =
        firm.length > 0 ? "impossible" : open.length > 0 ? ("choice" as const) : "possible";
    return {
        table,
        state,
        reasons: [...firm, ...open.flatMap(({ sentences }) => sentences)],
        columns: open.map(({ column, choices }) => ({ column, choices })),
    };
}

/** DMS cannot leave out every column: the name of one may be a pattern for another. */
function holds(row: CatalogRow, column: string, choice: string): boolean {
    return (
        choice !== "exclude" ||
        columnProblems(row, new Map([[column, { kind: "exclude", reason: "" }]]))
            .filter((one) => one.column === column)
            .every(({ problems }) => problems.length === 0)
    );
}

/** Longer names are cut where a reason follows. */
const NAME_WIDTH = 34;

const STATES = {
    audited: "audited",
    possible: "could be",
    choice: "could be",
    impossible: "cannot be",
} as const;

/** One line a table, and what they come to. */
export function candidateLines(candidates: readonly Candidate[]): string[] {
    const longest = Math.max(0, ...candidates.map(({ table }) => Array.from(table).length));
    const width = Math.min(NAME_WIDTH, longest);
    const count = (word: string): number =>
        candidates.filter(({ state }) => STATES[state] === word).length;
    return [
        ...candidates.map((candidate) => {
            const { table, state } = candidate;
            const why = shortReason(candidate);
            const name = printable(table);
            const start = `${STATES[state].padEnd(9)}  `;
            return why === ""
                ? fit(start + name, WIDTH)
                : fit(`${start}${fit(name, width).padEnd(width)}  ${printable(why)}`, WIDTH);
        }),
        "",
        `${count("audited")} audited, ${count("could be")} could be, ${count("cannot be")} cannot be.`,
        'Run "npm run tables -- --json" for the whole reasons.',
    ];
}

function shortReason({ table, state, reasons, columns }: Candidate): string {
    if (state === "choice") {
        return `with a choice for ${columns.map(({ column }) => column).join(", ")}`;
    }
    const [first = ""] = reasons;
    return [`The table ${table} `, `${table} `]
        .reduce((text, start) => (text.startsWith(start) ? text.slice(start.length) : text), first)
        .replace(` of ${table} `, " ");
}
