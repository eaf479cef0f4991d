import {
    foundationBatches,
    markerGapBatches,
    retirementBatches,
    trailBatches,
} from "../../trail/auditDeployment";
import type { TableChoices } from "../../trail/columnChoices";
import { MARKER_TABLE, type TableGuards } from "../../trail/guards";
import {
    demoBatches,
    guardBatches,
    markerBatches,
    sourceRightsBatches,
} from "../../trail/sourceDeployment";
import type { TableShape } from "../../trail/tableDefinition";
import { auditObjects, logFunctionStep, sourceObjects } from "./pluginObjects";
import { batchSteps, type Part } from "./step";

/** A table to print the SQL of. */
export interface Subject {
    readonly shape: TableShape;
    /** How it is guarded at the source. */
    readonly guards: TableGuards;
    /** Whether the program makes the table itself. */
    readonly isDemo: boolean;
}

/** What a deployment of these tables and of the marker table runs, in its order. */
export function deploymentParts(subjects: readonly Subject[], marker: TableShape): Part[] {
    return [sourcePart(subjects, marker), ...auditParts(subjects, marker)];
}

function sourcePart(subjects: readonly Subject[], marker: TableShape): Part {
    const tables = subjects.map(({ shape }) => shape);
    const recorded = (what: "truncate" | "keyUpdate"): TableShape[] =>
        subjects.filter(({ guards }) => guards[what] === "record").map(({ shape }) => shape);
    const guards = guardBatches(
        {
            tables,
            sourceGuards: true,
            allowTruncate: recorded("truncate"),
            allowKeyUpdates: recorded("keyUpdate"),
            fullReplicaIdentity: [],
        },
        subjects.map(({ shape, guards: { everyUpdate } }) => ({
            table_schema: shape.schema,
            table_name: shape.table,
            updates_are_rewritten: everyUpdate === true,
        })),
        tables,
        () => "",
    );
    const demo = subjects.some(({ isDemo }) => isDemo) ? demoBatches() : [];
    return {
        name: "source",
        title: "What a deployment runs on the source cluster, in this order.",
        session: {},
        steps: [
            sourceObjects(),
            ...batchSteps("source", demo, "script source-database-items"),
            ...batchSteps("source", markerBatches(), "script source-database-marker"),
            ...batchSteps(
                "source",
                sourceRightsBatches([...tables, MARKER_TABLE], [...tables, marker]),
                "script source-database-grants, once the catalog is read",
            ),
            ...batchSteps(
                "source",
                guards,
                "script source-database-guards, once the catalog is read",
            ),
        ],
    };
}

function auditParts(subjects: readonly Subject[], marker: TableShape): Part[] {
    const shapes = [...subjects.map(({ shape }) => shape), marker];
    const steps = (name: string, batches: ReturnType<typeof foundationBatches>): Part["steps"] =>
        batchSteps("audit", batches, `script audit-database-${name}`);
    return [
        {
            name: "audit-cluster",
            title: "What a deployment runs on the audit cluster before it comes to the tables.",
            session: {},
            steps: [auditObjects(shapes), ...steps("machinery", foundationBatches(shapes))],
        },
        {
            name: "audit-tables",
            title: "What a deployment then runs on the audit cluster for the tables.",
            session: {},
            steps: [
                ...shapes.map(logFunctionStep),
                ...steps("tables", trailBatches(shapes, shapes)),
                ...steps("marker-gaps", markerGapBatches(shapes)),
                ...batchSteps(
                    "audit",
                    retirementBatches(shapes, shapes, choicesOf(shapes)),
                    "script audit-database-retired, once the task knows the tables",
                ),
            ],
        },
    ];
}

/** The columns that are left out, as the config says it. */
function choicesOf(shapes: readonly TableShape[]): TableChoices[] {
    return shapes.map(({ schema, table, excluded = [] }) => ({
        schema,
        table,
        columns: excluded.map(({ name, reason }) => ({
            name,
            choice: { kind: "exclude", reason },
        })),
    }));
}
