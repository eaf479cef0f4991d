import { messageOf } from "../text/errors";
import type { CatalogRow } from "../trail/catalogRow";
import { tableDefinitions } from "../trail/catalogTables";
import { withWayIn } from "../trail/wayIn";
import { judge } from "./judge";
import type { SourceFacts } from "./sourceFacts";
import { isToBeMade } from "./tableChecks";
import type { Wishes } from "./wishes";

/** The checks whose sentences are a deployment's own, which has more to say of them. */
const OF_THE_CATALOG = new Set(["tables", "columns"]);

/**
 * Why nothing can be deployed on a source: a line for each thing that must be mended, and behind them what a deployment says of
 * the tables; undefined where nothing must be.
 *
 * @param wayIn one sentence that says how a person connects to the source
 */
export function refusalText(facts: SourceFacts, wishes: Wishes, wayIn: string): string | undefined {
    const lines = judge(facts, wishes)
        .filter(({ severity, check }) => severity === "must" && !OF_THE_CATALOG.has(check))
        .map(({ found, mend }) => `${found} ${mend}`);
    const rows = facts.catalog.filter((row) => !isToBeMade(row, wishes));
    const all = [...lines, ...tableLines(rows, wishes)];
    return all.length === 0 ? undefined : withWayIn(all.join("\n"), rows, wayIn);
}

function tableLines(rows: readonly CatalogRow[], { choices }: Wishes): string[] {
    try {
        tableDefinitions(rows, choices);
        return [];
    } catch (error) {
        return messageOf(error).split("\n");
    }
}
