import { renderSql } from "../../database/sqlTemplate";
import { undoScripts } from "../../trail/sourceUndo";
import { DEPLOYER, type Part, type Step } from "./step";

/** What runs at a source that the stack did not make, beside what runs at every source. */
export function existingSourcePart(): Part {
    const { look, noteSlots, there, guards, slots, rest, straySlots } = undoScripts();
    const before = "before a destroy ends anything, and again before it takes anything away";
    const steps: readonly (readonly [string, Step["files"]])[] = [
        ["before anything is made there", [renderSql("sql/source/claim.sql")]],
        [before, [look]],
        ["when the task runs, and before a destroy", [noteSlots]],
        ["before the slots are noted, and once the task is deleted", [there]],
        ["once the task is deleted: a query for statements, which run one by one", [guards]],
        ["after those", [slots]],
        ["after that", [rest]],
        ["last; then the plugin drops the schemas and the role", [straySlots]],
    ];
    return {
        name: "existing-source",
        title: "What runs at a source that the stack did not make, beside what runs at every source. A destroy leaves it as it was.",
        session: {},
        steps: steps.map(([when, files]) => ({
            side: "source",
            role: DEPLOYER,
            when,
            files,
            isBatch: false,
        })),
    };
}
