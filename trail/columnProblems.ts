import { nearest } from "../text/nearest";
import type { CatalogColumn, CatalogRow } from "./catalogRow";
import { type ColumnChoice, limitedType, textForm } from "./columnChoices";
import { dmsPattern } from "./dmsNames";
import { LARGE_OBJECT_TYPES, LIMITS, refusedType, UNBOUNDED_TYPES } from "./dmsTypes";
import { HEADER_COLUMNS, isReserved, RESERVED_PREFIX } from "./headerColumns";
import { formatTableName } from "./names";
import { hasControlCharacter } from "./tableLimits";

/** Letters written from right to left: DMS does not transform a column with such a name. */
const RIGHT_TO_LEFT =
    /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** What keeps a column from being carried as the config has it, and what the config may say of it instead. */
interface ColumnProblem {
    readonly sentence: string;
    /** The choices that the config may make, the recommended one first, as YAML. */
    readonly choices: readonly string[];
}

/** What is wrong with one column. */
export interface ColumnProblems {
    readonly column: string;
    readonly problems: readonly ColumnProblem[];
}

/** The problems with a table's columns, and with choices for columns that it has not. */
export function columnProblems(
    row: CatalogRow,
    choices: ReadonlyMap<string, ColumnChoice>,
): ColumnProblems[] {
    const names = row.columns.map(({ name }) => name);
    const strangers = [...choices.keys()].filter((name) => !names.includes(name));
    return [
        ...strangers.map((name) => ({
            column: name,
            problems: [
                plain(
                    `audit-trail:columns names the column "${name}" of ${tableOf(row)}, which has no such column; the nearest one is "${nearest(name, names) ?? ""}".`,
                ),
            ],
        })),
        ...row.columns.map((column) => ({
            column: column.name,
            problems: problemsOf(row, column, choices.get(column.name)),
        })),
    ];
}

function plain(sentence: string): ColumnProblem {
    return { sentence, choices: [] };
}

function tableOf({ table_schema: schema, table_name: table }: CatalogRow): string {
    return formatTableName({ schema, table });
}

function problemsOf(
    row: CatalogRow,
    column: CatalogColumn,
    choice: ColumnChoice | undefined,
): ColumnProblem[] {
    const inKey = row.primary_key.includes(column.name);
    const where = `The column "${column.name}" of ${tableOf(row)}`;
    const problems = nameProblems(where, column.name);
    switch (choice?.kind) {
        case "exclude":
            return [...problems, ...exclusionProblems(where, row, column, inKey)];
        case "asText":
            return [...problems, ...textProblems(where, column, inKey)];
        case "limit":
            return [...problems, ...limitProblems(where, column, limitedType(choice.limit), inKey)];
        case undefined:
            return [...problems, ...typeProblems(where, column, inKey)];
    }
}

function nameProblems(where: string, name: string): ColumnProblem[] {
    const problems: ColumnProblem[] = [];
    if (isReserved(name)) {
        problems.push(
            plain(
                `${where} has a name that begins with ${RESERVED_PREFIX}, as do those of the columns that the trail adds to staging: rename it, or leave the table out.`,
            ),
        );
    }
    if (/[#\\/-]/u.test(name)) {
        problems.push(
            plain(
                `${where} has one of the characters # \\ / - in its name, and DMS cannot transform such a column: rename it.`,
            ),
        );
    }
    if (hasControlCharacter(name)) {
        problems.push(
            plain(
                `${where} has a control character in its name, and nothing says that DMS carries such a column: rename it.`,
            ),
        );
    }
    return problems;
}

function typeProblems(where: string, column: CatalogColumn, inKey: boolean): ColumnProblem[] {
    const problems: ColumnProblem[] = [];
    const type = refusedType(column);
    const exclude = inKey ? [] : ["exclude"];
    if (type !== undefined) {
        const choices = [...(mayBeText(column, inKey) ? ["asText"] : []), ...exclude];
        const mend = remedies("change it to a type such as text", choices);
        problems.push({
            sentence: `${where} has the ${type}, which DMS does not replicate: ${mend}.`,
            choices,
        });
    }
    // The guide maps a numeric to a PostgreSQL target by scales from 0 on, and DMS reads the scale from a number in which
    // PostgreSQL 15 has begun to write negative ones: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.PostgreSQL.html
    if (/^numeric\(\d+,-\d+\)$/u.test(column.type)) {
        problems.push({
            sentence: `${where} has the type ${column.type}, and the scales that DMS is documented to carry begin at 0: ${remedies("give it one from 0 on", exclude)}.`,
            choices: exclude,
        });
    }
    const unbounded = UNBOUNDED_TYPES[column.type];
    if (unbounded !== undefined) {
        const { harm, mend } = unbounded;
        const declared = {
            numeric: inKey ? [] : ["{ numeric: [28, 6] }"],
            varchar: ["{ varchar: 2000 }"],
        }[LIMITS[column.type] ?? ""];
        const choices = [...exclude, ...(declared ?? [])];
        problems.push({
            sentence: `${where} has the type ${column.type} without a limit, which DMS ${harm}: ${remedies(mend, choices)}.`,
            choices,
        });
    }
    if (inKey && (column.type.endsWith("[]") || LARGE_OBJECT_TYPES.has(column.element))) {
        problems.push(
            plain(
                `${where} is part of the primary key and has the type ${column.type}, which DMS treats as a large object and cannot find rows by: change it to varchar(n), or leave the table out.`,
            ),
        );
    }
    return problems;
}

function remedies(first: string, choices: readonly string[]): string {
    return choices.length === 0
        ? `${first}, or leave the table out`
        : `${first}, choose what the trail has of it in audit-trail:columns, or leave the table out`;
}

function exclusionProblems(
    where: string,
    row: CatalogRow,
    { name }: CatalogColumn,
    inKey: boolean,
): ColumnProblem[] {
    if (inKey) {
        return [
            plain(
                `${where} is part of the primary key, by which DMS finds rows, and cannot be excluded in audit-trail:columns: take it out there.`,
            ),
        ];
    }
    if (RIGHT_TO_LEFT.test(name)) {
        return [
            plain(
                `${where} has letters that are written from right to left in its name, and DMS cannot remove such a column: rename it, or leave the table out.`,
            ),
        ];
    }
    const pattern = dmsPattern(name);
    if (!pattern.test(name)) {
        return [
            plain(
                `${where} has brackets in its name, which DMS reads as a set of characters and would not find the column by: rename it, or leave the table out.`,
            ),
        ];
    }
    const header = HEADER_COLUMNS.find((one) => pattern.test(one));
    if (header !== undefined) {
        return [
            plain(
                `${where} cannot be excluded, because DMS reads _ and % in its name as wildcards that also match ${header}, which the trail adds to staging: rename it, or leave the table out.`,
            ),
        ];
    }
    const other = row.columns.find((one) => one.name !== name && pattern.test(one.name));
    return other === undefined
        ? []
        : [
              plain(
                  `${where} cannot be excluded, because DMS reads _ and % in its name as wildcards that also match "${other.name}": rename one of the two.`,
              ),
          ];
}

function textProblems(where: string, column: CatalogColumn, inKey: boolean): ColumnProblem[] {
    if (refusedType(column) === undefined) {
        return [
            plain(
                `${where} has the type ${column.type}, which needs no asText in audit-trail:columns: take it out there.`,
            ),
        ];
    }
    if (textForm(column) === undefined) {
        return [
            {
                sentence: `${where} has the type ${column.type}, whose text in DMS's guide is not the one of PostgreSQL, so that it cannot be asText.`,
                choices: inKey ? [] : ["exclude"],
            },
        ];
    }
    return mayBeText(column, inKey)
        ? []
        : [
              plain(
                  `${where} is part of the primary key, and the text of its type ${column.type} is a large object for DMS, by which it cannot find rows: change its type, or leave the table out.`,
              ),
          ];
}

function mayBeText(column: CatalogColumn, inKey: boolean): boolean {
    const form = textForm(column);
    return form !== undefined && !(inKey && form === "text");
}

function limitProblems(
    where: string,
    { type }: CatalogColumn,
    declared: string,
    inKey: boolean,
): ColumnProblem[] {
    const word = LIMITS[type];
    const fits =
        (word === "numeric" && declared.startsWith("numeric(")) ||
        (word === "varchar" && declared.startsWith("character varying("));
    if (!fits) {
        return [
            plain(
                `${where} has the type ${type}, and audit-trail:columns declares ${declared} for it, which is for ${declared.startsWith("n") ? "numeric" : "varchar"} without a limit: take it out there.`,
            ),
        ];
    }
    return inKey && word === "numeric"
        ? [
              plain(
                  `${where} is part of the primary key and a numeric without a limit, of which DMS may write another text: give it a precision and a scale, or leave the table out.`,
              ),
          ]
        : [];
}

/** The lines to add to a stack's config for columns that lack a choice; none when no choice helps. */
export function choiceLines(
    tables: readonly { readonly table: string; readonly columns: readonly ColumnProblems[] }[],
): string[] {
    const lines = tables.flatMap(({ table, columns }) => {
        const open = columns.flatMap(({ column, problems }) => {
            const [first, ...others] = problems.every(({ choices }) => choices.length > 0)
                ? (problems[0]?.choices ?? [])
                : [];
            const more = others.length === 0 ? "" : ` # or ${others.join(" or ")}`;
            return first === undefined ? [] : [`      ${yamlKey(column)}: ${first}${more}`];
        });
        return open.length === 0 ? [] : [`    ${yamlKey(table)}:`, ...open];
    });
    return lines.length === 0
        ? []
        : [
              'To audit these tables all the same, choose for each column in the stack\'s config (docs/types.md, "Columns with a choice"):',
              "  audit-trail:columns:",
              ...lines,
          ];
}

/** Quoted where YAML, of any version, could read it as something else than that text. */
function yamlKey(name: string): string {
    const isPlain =
        /^[A-Za-z_][A-Za-z0-9_.]*$/.test(name) &&
        !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name);
    return isPlain ? name : JSON.stringify(name);
}
