import { messageOf } from "../text/errors";
import { captureProblems } from "./captureProblems";
import type { CatalogColumn, CatalogRow, FormerName } from "./catalogRow";
import {
    choicesFor,
    type ColumnChoice,
    limitedType,
    type TableChoices,
    textForm,
} from "./columnChoices";
import { choiceLines, columnProblems } from "./columnProblems";
import { refuseConfusableNames } from "./dmsNames";
import { formatTableName, trailNames } from "./names";
import { roles } from "./rolesAndSchemas";
import type { ColumnDefinition, TableDefinition, TableName } from "./tableDefinition";
import { tableLimits } from "./tableLimits";

/**
 * Adds to the rows of missing tables what has become of the tables that had their names.
 *
 * @param knownOids of each table's last known `pg_class.oid`, in the order of the rows; undefined where none is known
 * @param find runs sql/source/former_names.sql
 */
export async function withWhereabouts(
    rows: readonly CatalogRow[],
    knownOids: readonly (string | undefined)[],
    find: (oids: readonly string[]) => Promise<readonly FormerName[]>,
): Promise<CatalogRow[]> {
    const missing = knownOids.filter(
        (oid, index): oid is string => oid !== undefined && rows[index]?.relkind === null,
    );
    const found = missing.length === 0 ? [] : await find(missing);
    return rows.map((row, index) => {
        const oid = knownOids[index];
        if (row.relkind !== null || oid === undefined) {
            return row;
        }
        const now = found.find((one) => one.oid === oid);
        const nowCalled = now === undefined ? null : { schema: now.schema, table: now.table };
        return { ...row, oid, now_called: nowCalled };
    });
}

/** Parameters of sql/source/catalog.sql for these tables, whose rows DMS's user loads. */
export function catalogParameters(tables: readonly TableName[]): [string[], string[], string] {
    return [tables.map(({ schema }) => schema), tables.map(({ table }) => table), roles.source];
}

const KINDS: Readonly<Record<string, string>> = {
    v: "a view",
    m: "a materialized view",
    f: "a foreign table",
};

/**
 * Turns the catalog's rows into table definitions, of which the columns are what the config chose for them.
 *
 * @throws Error with one sentence per problem, each naming the table and what to do, and behind them the lines that the config
 *     may have for the columns among them
 */
export function tableDefinitions(
    rows: readonly CatalogRow[],
    choices: readonly TableChoices[] = [],
): TableDefinition[] {
    const tables = rows.map((row) => ({
        row,
        columns: isTable(row) ? columnProblems(row, choicesFor(choices, nameOf(row))) : [],
    }));
    const sentences = [
        ...tables.flatMap(({ row, columns }) => [
            ...tableProblems(row, choicesFor(choices, nameOf(row))),
            ...columns.flatMap(({ problems }) => problems.map(({ sentence }) => sentence)),
        ]),
        ...listProblems(rows),
    ];
    const lines = choiceLines(
        tables.map(({ row, columns }) => ({ table: formatTableName(nameOf(row)), columns })),
    );
    refuse(sentences, lines);
    return rows.map((row) => definitionOfRow(row, choicesFor(choices, nameOf(row))));
}

/** What is wrong with one table besides its columns (see {@link columnProblems}): one sentence each. */
export function tableProblems(
    row: CatalogRow,
    choices: ReadonlyMap<string, ColumnChoice> = new Map(),
): string[] {
    return [
        ...relationProblems(row),
        ...(isTable(row)
            ? [...captureProblems(row), ...tableLimits(definitionOfRow(row, choices))]
            : []),
    ];
}

/** What keeps tables from being audited together: one sentence each. */
export function listProblems(rows: readonly CatalogRow[]): string[] {
    return [...doubledPartitions(rows), ...confusablePartitions(rows), ...nameCollisions(rows)];
}

/**
 * Turns the catalog's rows into definitions for a comparison, which can be made of tables that no deployment would accept: what
 * an application did to one of them must not keep verify from the others.
 *
 * @throws Error with one sentence for each table that is not a table or has no key
 */
export function comparableDefinitions(rows: readonly CatalogRow[]): TableDefinition[] {
    refuse(rows.flatMap(relationProblems), []);
    return rows.map((row) => definitionOfRow(row, new Map()));
}

function refuse(problems: readonly string[], advice: readonly string[]): void {
    if (problems.length > 0) {
        throw new Error([...new Set(problems), ...advice].join("\n"));
    }
}

function definitionOfRow(
    row: CatalogRow,
    choices: ReadonlyMap<string, ColumnChoice>,
): TableDefinition {
    const excluded = row.columns.flatMap(({ name, type, attnum }) => {
        const choice = choices.get(name);
        return choice?.kind === "exclude" ? [{ name, type, attnum, reason: choice.reason }] : [];
    });
    return {
        ...nameOf(row),
        oid: row.oid ?? "",
        columns: row.columns
            .filter(({ name }) => choices.get(name)?.kind !== "exclude")
            .map((column) => chosenDefinition(column, choices.get(column.name))),
        primaryKey: [...row.primary_key],
        ...(excluded.length > 0 ? { excluded } : {}),
        ...(row.partitions
            ? {
                  partitions: row.partitions.map(({ schema, table, oid }) => ({
                      schema,
                      table,
                      oid,
                  })),
              }
            : {}),
    };
}

/** The column as staging has it. A text comes from no extension. */
function chosenDefinition(
    column: CatalogColumn,
    choice: ColumnChoice | undefined,
): ColumnDefinition {
    const definition = columnDefinition(column);
    const type =
        choice?.kind === "limit"
            ? limitedType(choice.limit)
            : choice?.kind === "asText"
              ? textForm(column)
              : undefined;
    if (type === undefined) {
        return definition;
    }
    const { extension, ...rest } = definition;
    const isText = choice?.kind === "asText";
    return {
        ...rest,
        type,
        sourceType: column.type,
        ...(isText || extension === undefined ? {} : { extension }),
    };
}

/** Plain or partitioned. */
function isTable({ relkind }: CatalogRow): boolean {
    return relkind === "r" || relkind === "p";
}

function columnDefinition(column: CatalogColumn): ColumnDefinition {
    const { name, type, attnum, extension, missing } = column;
    return {
        ...{ name, type, attnum },
        ...(extension ? { extension } : {}),
        ...(typeof missing === "string" ? { missing } : {}),
    };
}

function nameOf(row: CatalogRow): TableName {
    return { schema: row.table_schema, table: row.table_name };
}

function relationProblems(row: CatalogRow): string[] {
    const table = formatTableName(nameOf(row));
    if (row.relkind === null) {
        return [missingTable(table, row.now_called)];
    }
    if (!isTable(row)) {
        return [
            `${table} is ${KINDS[row.relkind] ?? "not a table"}, whose changes DMS does not replicate: list the plain tables behind it.`,
        ];
    }
    return row.primary_key.length > 0
        ? []
        : [
              `The table ${table} has no primary key, and without one DMS ignores its updates and deletes: add one.`,
          ];
}

function missingTable(table: string, nowCalled: TableName | null | undefined): string {
    const missing = `The table ${table} does not exist in the source database`;
    if (nowCalled === undefined) {
        return `${missing}: create it, or correct its name (names are case-sensitive).`;
    }
    return nowCalled === null
        ? `${missing} any more: take it from the list, which keeps its log, or create it again.`
        : `${missing} any more, and is called ${formatTableName(nowCalled)} now: list it under that name, which begins a new log and keeps the old one.`;
}

/** A partition that would be replicated for two tables of the list: DMS writes a table to one target. */
function doubledPartitions(rows: readonly CatalogRow[]): string[] {
    const takers = new Map<string, string>();
    return rows.flatMap((row) => {
        const table = formatTableName(nameOf(row));
        return (row.partitions ?? [nameOf(row)]).flatMap((one) => {
            const name = formatTableName(one);
            const other = takers.get(name);
            takers.set(name, table);
            return other === undefined || other === table
                ? []
                : [
                      `The table ${name} would be audited twice, as a part of ${other} and of ${table}: list the partitioned table alone, which means all its partitions.`,
                  ];
        });
    });
}

/** The config has judged the names that it lists; those of partitions are known only here. */
function confusablePartitions(rows: readonly CatalogRow[]): string[] {
    const partitions = rows.flatMap((row) => row.partitions ?? []);
    if (partitions.length === 0) {
        return [];
    }
    const plain = rows.filter((row) => !row.partitions).map(nameOf);
    try {
        refuseConfusableNames([...plain, ...partitions]);
        return [];
    } catch (error) {
        return [`${messageOf(error)}: rename one of them.`];
    }
}

function nameCollisions(rows: readonly CatalogRow[]): string[] {
    const owners = new Map<string, string>();
    const problems: string[] = [];
    for (const row of rows) {
        const table = formatTableName(nameOf(row));
        const names = trailNames(nameOf(row));
        const taken = [
            ...(row.partitions ?? []).map((leaf) =>
                formatTableName({ schema: leaf.schema, table: trailNames(leaf).staging }),
            ),
            formatTableName({ schema: row.table_schema, table: names.staging }),
            formatTableName({ schema: row.table_schema, table: names.auditLog }),
            formatTableName({ schema: "audit_trail", table: names.tombstone }),
        ];
        const clash = taken.find((name) => owners.has(name));
        if (clash !== undefined) {
            problems.push(
                `The tables ${String(owners.get(clash))} and ${table} would both get an object named ${clash} on the audit cluster: list each table once, or rename one.`,
            );
        }
        for (const name of taken) {
            owners.set(name, table);
        }
    }
    return problems;
}
