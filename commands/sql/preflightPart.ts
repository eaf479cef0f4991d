import { renderSql } from "../../database/sqlTemplate";
import { lobScript } from "../../preflight/lobSizes";
import { LARGE_OBJECT_TYPES } from "../../trail/dmsTypes";
import { formatTableName } from "../../trail/names";
import type { TableDefinition } from "../../trail/tableDefinition";
import type { Part, Step } from "./step";

/** The sample that a page shows, in percent of a table's pages. */
const SAMPLE_PERCENT = 5;

/** What a preflight asks the source beside the catalog's query, which a preview asks too. */
export function preflightPart(tables: readonly TableDefinition[]): Part {
    const server = ["server", "activity", "tables", "wal"].map((name) =>
        step("once", [renderSql(`sql/source/preflight/${name}.sql`)]),
    );
    return {
        name: "preflight",
        title: "What a preflight asks the source. $n are values that are known only then. The session is read-only.",
        session: {},
        steps: [...server, ...tables.flatMap(sizeSteps)],
    };
}

/** All rows of a small table, a sample of a large one. */
function sizeSteps(definition: TableDefinition): Step[] {
    return definition.columns
        .filter(({ type }) => type.endsWith("[]") || LARGE_OBJECT_TYPES.has(type))
        .map((column) => ({
            ...step("for each column of large objects, of a large table", [
                lobScript(definition, column, SAMPLE_PERCENT),
            ]),
            about: formatTableName(definition),
        }));
}

function step(when: string, files: Step["files"]): Step {
    return {
        side: "source",
        role: "the user of the source's address",
        when,
        files,
        isBatch: false,
    };
}
