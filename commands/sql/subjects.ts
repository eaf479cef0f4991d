import { renderSql } from "../../database/sqlTemplate";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, comparableDefinitions } from "../../trail/catalogTables";
import type { TableGuards } from "../../trail/guards";
import type { TableName } from "../../trail/tableDefinition";
import { asChosen, readChosenColumns } from "../../verify/chosenColumns";
import type { Database } from "../../verify/database";
import type { Subject } from "./deployment";

/**
 * The tables as the source has them, each with what the last deployment's config says of its columns and with the kind of
 * guards that it has; of one without guards, those that it gets by default.
 *
 * @param audit undefined where no trail is deployed
 * @throws Error with one sentence for each table that the source does not have, or that no trail can have
 */
export async function readSubjects(
    source: Database,
    audit: Database | undefined,
    names: readonly TableName[],
): Promise<Subject[]> {
    const script = renderSql("sql/source/catalog.sql");
    const rows = await source.rows<CatalogRow>(script, catalogParameters(names));
    const chosen = audit === undefined ? [] : await readChosenColumns(audit);
    return comparableDefinitions(rows).map((definition, index) => ({
        definition: asChosen(definition, chosen),
        guards: guardsOf(rows[index]),
        isDemo: false,
    }));
}

function guardsOf(row: CatalogRow | undefined): TableGuards {
    const kind = (what: string): TableGuards["truncate"] =>
        row?.guards?.includes(`audit_trail_record_${what}`) === true ? "record" : "refuse";
    return {
        truncate: kind("truncate"),
        keyUpdate: kind("key_update"),
        everyUpdate: row?.updates_are_rewritten === true,
    };
}
