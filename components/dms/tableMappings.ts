import { createHash } from "node:crypto";
import { choicesFor, excludedColumns, type TableChoices } from "../../trail/columnChoices";
import { HEADERS } from "../../trail/headerColumns";
import { trailNames } from "../../trail/names";
import type { ReplicatedTable, TableName } from "../../trail/tableDefinition";

/** The JSON document of a DMS task's table mappings. */
export interface TableMappings {
    readonly rules: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The rules that keep columns out of the target, one for each. The guide's example of a remove-column rule has no value.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Transformations.html
 */
function removeColumnRules(
    { schema, table }: TableName,
    columns: readonly string[],
): Record<string, unknown>[] {
    return columns.map((column) => ({
        "rule-type": "transformation",
        "rule-action": "remove-column",
        "rule-target": "column",
        "object-locator": { "schema-name": schema, "table-name": table, "column-name": column },
    }));
}

function tableRules(
    { schema, table, staging }: ReplicatedTable,
    excluded: readonly string[],
): Record<string, unknown>[] {
    const locator = { "schema-name": schema, "table-name": table };
    return [
        {
            "rule-type": "selection",
            "object-locator": locator,
            "rule-action": "explicit",
            filters: [],
        },
        {
            "rule-type": "transformation",
            "rule-action": "rename",
            "rule-target": "table",
            "object-locator": locator,
            value: staging ?? trailNames({ schema, table }).staging,
        },
        ...HEADERS.map(({ name, expression, dataType }) => ({
            "rule-type": "transformation",
            "rule-action": "add-column",
            "rule-target": "column",
            "object-locator": locator,
            value: name,
            expression,
            "data-type": dataType,
        })),
        ...removeColumnRules({ schema, table }, excluded),
    ];
}

/**
 * AWS DMS takes mappings up to 2 MB,
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.html.
 */
const MAPPINGS_LIMIT_BYTES = 2_000_000;

/**
 * The table mappings of a replication task: for each table an explicit selection, a rename to its staging table,
 * the header columns, and the removal of the columns that the config excludes. Rule ids are 1, 2, 3 ... in the order of the
 * list: a table that is added at its end leaves the rules of the others as they were. The config refuses tables that DMS
 * would confuse.
 *
 * DMS learns a table's columns when its task starts, and is certain to read its secrets then. So the name of the first rule,
 * which means nothing to DMS, contains a hash of the columns, and the passwords' version. When they change, the task changes too:
 * AWS's provider stops and modifies it, then resumes it there.
 * Names are alphanumeric, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Selections.html.
 *
 * @param tables the tables, with a partitioned table replaced by its partitions
 * @param columnsHash letters and digits that change whenever a table's columns change
 * @param choices what the config says of single columns
 * @param passwordVersion the version of the passwords of DMS's users
 * @throws Error when there are more tables than DMS takes
 */
export function tableMappings(
    tables: readonly ReplicatedTable[],
    columnsHash: string,
    choices: readonly TableChoices[] = [],
    passwordVersion = 1,
): TableMappings {
    const hash = withPasswords(withChoices(columnsHash, tables, choices), passwordVersion);
    const rules = tables
        .flatMap((table) => tableRules(table, excludedColumns(choices, table.partitionOf ?? table)))
        .map((rule, index) => {
            const { "rule-type": type, ...rest } = rule;
            const id = String(index + 1);
            const name = index === 0 ? `columns${hash}` : id;
            return { "rule-type": type, "rule-id": id, "rule-name": name, ...rest };
        });
    const bytes = Buffer.byteLength(JSON.stringify({ rules }));
    if (bytes > MAPPINGS_LIMIT_BYTES) {
        throw new Error(
            `The table mappings of ${tables.length} tables and partitions take ${bytes} bytes, and AWS DMS takes ${MAPPINGS_LIMIT_BYTES}: audit fewer tables in this stack, or detach old partitions.`,
        );
    }
    return { rules };
}

/** Another text too when staging's columns change because of the config; the same one where that says nothing of columns. */
function withChoices(
    columnsHash: string,
    tables: readonly ReplicatedTable[],
    choices: readonly TableChoices[],
): string {
    const chosen = tables.map((table) => [
        table,
        [...choicesFor(choices, table.partitionOf ?? table)].map(([name, choice]) => [
            name,
            choice.kind === "exclude" ? choice.kind : choice,
        ]),
    ]);
    return choices.length === 0
        ? columnsHash
        : createHash("sha256")
              .update(JSON.stringify([columnsHash, chosen]))
              .digest("hex")
              .slice(0, 16);
}

/** The same text for the first passwords, which stacks of older versions have. */
function withPasswords(hash: string, version: number): string {
    return version === 1 ? hash : `${hash}p${String(version)}`;
}
