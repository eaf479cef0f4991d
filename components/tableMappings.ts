import { HEADERS } from "./trail/headers";
import { trailNames } from "./trail/names";
import type { TableName } from "./trail/shape";

/** The JSON document of a DMS task's table mappings. */
export interface TableMappings {
    readonly rules: readonly Readonly<Record<string, unknown>>[];
}

function tableRules({ schema, table }: TableName): Record<string, unknown>[] {
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
            value: trailNames({ schema, table }).staging,
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
    ];
}

/**
 * The table mappings of the replication task: for each table an explicit selection, a rename to its staging table and
 * the header columns. Rule ids are 1, 2, 3 ... in the order of the list: a table that is added at its end leaves the
 * rules of the others as they were. The config refuses tables that DMS would confuse.
 *
 * DMS learns a table's columns when its task starts. The first rule's name, which means nothing to DMS, therefore holds
 * the hash: when that changes, so does the task, which AWS's provider then stops, modifies and resumes where it was.
 * Names are alphanumeric, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Selections.html.
 *
 * @param columnsHash letters and digits, others whenever a table's columns are no longer what they were
 */
export function tableMappings(tables: readonly TableName[], columnsHash: string): TableMappings {
    const rules = tables.flatMap(tableRules).map((rule, index) => {
        const { "rule-type": type, ...rest } = rule;
        const id = String(index + 1);
        const name = index === 0 ? `columns${columnsHash}` : id;
        return { "rule-type": type, "rule-id": id, "rule-name": name, ...rest };
    });
    return { rules };
}
