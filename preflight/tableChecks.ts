import type { CatalogRow } from "../trail/catalogRow";
import { listProblems, tableProblems } from "../trail/catalogTables";
import { choicesFor, type TableChoices } from "../trail/columnChoices";
import { columnProblems } from "../trail/columnProblems";
import { formatTableName } from "../trail/names";
import { type Finding, PAGES } from "./finding";
import type { ServerFacts, SourceFacts, TableFacts } from "./sourceFacts";
import { identifier } from "./sqlText";
import type { Wishes } from "./wishes";

/**
 * What keeps the tables from being audited. Whether one can be is judged where a deployment and verify judge it (trail/);
 * here only their owners are added, which matter while the guards are made.
 */
export function tableFindings({ server, catalog, tables }: SourceFacts, wishes: Wishes): Finding[] {
    const { choices, guards } = wishes;
    const there = catalog.filter((row) => !isToBeMade(row, wishes));
    return [
        ...there.flatMap((row) => rowFindings(row, choices)),
        ...listProblems(there).map((sentence) => refusal(sentence)),
        ...(guards ? tables.flatMap((table) => ownerFindings(server, table)) : []),
        ...tables.flatMap(identityFindings),
    ];
}

/** Whether the row is that of the demo table, which the program creates. */
export function isToBeMade(
    { table_schema: schema, table_name: table, relkind }: CatalogRow,
    { demoTable }: Wishes,
): boolean {
    return demoTable && relkind === null && schema === "public" && table === "items";
}

function rowFindings(row: CatalogRow, all: readonly TableChoices[]): Finding[] {
    const choices = choicesFor(all, { schema: row.table_schema, table: row.table_name });
    const isTable = row.relkind === "r" || row.relkind === "p";
    const columns = isTable ? columnProblems(row, choices) : [];
    return [
        ...tableProblems(row, choices).map((sentence) => refusal(sentence)),
        ...columns.flatMap(({ column, problems }) =>
            problems.map((problem) => refusal(problem.sentence, column, problem.choices)),
        ),
    ];
}

/** A sentence of trail/ says what was found and, behind its last colon, how to mend it. */
function refusal(sentence: string, column = "", choices: readonly string[] = []): Finding {
    const at = sentence.lastIndexOf(": ");
    const [found, mend] =
        at < 0 ? [sentence, ""] : [`${sentence.slice(0, at)}.`, capital(sentence.slice(at + 2))];
    const lines = choices.length === 0 ? "" : `${column}: ${choices.join(", or ")}`;
    return {
        check: column === "" ? "tables" : "columns",
        severity: "must",
        found,
        wanted:
            column === ""
                ? "A table whose rows and changes all reach DMS."
                : "A column that DMS carries as it is.",
        mend: lines === "" ? mend : `${mend} In the config: ${lines}.`,
        source: PAGES.dmsSource,
    };
}

function capital(text: string): string {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Only a table's owner can make its triggers fire always. */
function ownerFindings(
    { me }: ServerFacts,
    { owner, is_mine: isMine, ...name }: TableFacts,
): Finding[] {
    if (isMine || me.is_superuser) {
        return [];
    }
    return [
        {
            check: "table owner",
            severity: "must",
            found: `The table ${formatTableName(name)} belongs to ${owner}, and ${me.name} has not its rights, which the guards and DMS's grants need.`,
            wanted: "The user that deploys is a member of each table's owner.",
            mend: `GRANT ${identifier(owner)} TO ${identifier(me.name)}.`,
            source: PAGES.alterTable,
        },
    ];
}

function identityFindings(table: TableFacts): Finding[] {
    return table.has_full_identity
        ? [
              {
                  check: "replica identity",
                  severity: "note",
                  found: `The table ${formatTableName(table)} has REPLICA IDENTITY FULL: each update and delete writes its whole old row to the WAL.`,
                  wanted: "DEFAULT is enough for the trail, which has the old row from staging.",
                  mend: "",
                  source: PAGES.alterTable,
              },
          ]
        : [];
}
