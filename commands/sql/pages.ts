import { formatTableName } from "../../trail/names";
import type { TableDefinition } from "../../trail/tableDefinition";
import { deploymentParts, type Subject } from "./deployment";
import { existingSourcePart } from "./existingSource";
import { DEMO, MARKER, PARTITIONED } from "./knownTables";
import { preflightPart } from "./preflightPart";
import { questionParts } from "./questions";
import { type Part, partText } from "./step";

/** Everything that the program runs for these tables and for the marker table. */
export function allParts(subjects: readonly Subject[], marker: TableDefinition): Part[] {
    return [
        ...deploymentParts(subjects, marker),
        ...questionParts(
            subjects.map(({ definition }) => definition),
            marker,
        ),
        existingSourcePart(),
        preflightPart(subjects.map(({ definition }) => definition)),
    ];
}

const GUARDS = { truncate: "refuse", keyUpdate: "refuse" } as const;

/** The demo table as the program makes it. */
export const DEMO_SUBJECT: Subject = { definition: DEMO, guards: GUARDS, isDemo: true };

/** A file of docs/sql. */
interface SqlPage {
    /** The file's name. */
    readonly name: string;
    readonly text: string;
}

/** The pages of docs/sql: all for the demo table, and what is otherwise for a table with everything that a table can have. */
export function sqlPages(): SqlPage[] {
    const demo = allParts([DEMO_SUBJECT], MARKER);
    const about = formatTableName(PARTITIONED);
    const partitioned = allParts(
        [{ ...DEMO_SUBJECT, definition: PARTITIONED, isDemo: false }],
        MARKER,
    )
        .map((part) => ({ ...part, steps: part.steps.filter((step) => step.about === about) }))
        .filter(({ steps }) => steps.length > 0)
        // What a session begins with, and everything that is not about the table, is in the other pages.
        .map((part) => ({ ...part, session: undefined }));
    return [...demo.map((part) => page(part.name, [part])), page("partitioned-table", partitioned)];
}

function page(name: string, parts: readonly Part[]): SqlPage {
    const head = "-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.\n";
    return { name: `${name}.sql`, text: head + parts.map(partText).join("\n") };
}
