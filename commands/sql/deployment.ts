import {
    foundationBatches,
    joinGroupBatches,
    markerGapBatches,
    retirementBatches,
    trailBatches,
} from "../../trail/auditDeployment";
import type { TableChoices } from "../../trail/columnChoices";
import { databaseUserBatches } from "../../trail/databaseUsers";
import { MARKER_TABLE, type TableGuards } from "../../trail/guards";
import {
    demoBatches,
    guardBatches,
    markerBatches,
    sourceRightsBatches,
    unguardBatches,
} from "../../trail/sourceDeployment";
import type { TableDefinition } from "../../trail/tableDefinition";
import { auditObjects, logFunctionStep, sourceObjects } from "./pluginObjects";
import { batchSteps, type Part } from "./step";

/** A table to print the SQL of. */
export interface Subject {
    readonly definition: TableDefinition;
    /** How it is guarded at the source. */
    readonly guards: TableGuards;
    /** Whether the program makes the table itself. */
    readonly isDemo: boolean;
}

/** What a deployment of these tables and of the marker table runs, in its order. */
export function deploymentParts(subjects: readonly Subject[], marker: TableDefinition): Part[] {
    return [sourcePart(subjects, marker), ...auditParts(subjects, marker)];
}

function sourcePart(subjects: readonly Subject[], marker: TableDefinition): Part {
    const tables = subjects.map(({ definition }) => definition);
    const recorded = (what: "truncate" | "keyUpdate"): TableDefinition[] =>
        subjects
            .filter(({ guards }) => guards[what] === "record")
            .map(({ definition }) => definition);
    const guards = guardBatches(
        {
            tables,
            sourceGuards: true,
            allowTruncate: recorded("truncate"),
            allowKeyUpdates: recorded("keyUpdate"),
            fullReplicaIdentity: [],
        },
        subjects.map(({ definition, guards: { everyUpdate } }) => ({
            table_schema: definition.schema,
            table_name: definition.table,
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
            ...batchSteps(
                "source",
                unguardBatches(tables, [...tables, marker]),
                "script source-database-unguarded, once the task knows the tables",
            ),
        ],
    };
}

function auditParts(subjects: readonly Subject[], marker: TableDefinition): Part[] {
    const definitions = [...subjects.map(({ definition }) => definition), marker];
    const steps = (name: string, batches: ReturnType<typeof foundationBatches>): Part["steps"] =>
        batchSteps("audit", batches, `script audit-database-${name}`);
    return [
        {
            name: "audit-cluster",
            title: "What a deployment runs on the audit cluster before it comes to the tables.",
            session: {},
            steps: [
                auditObjects(definitions),
                ...steps("foundation", foundationBatches(definitions)),
                ...steps("users", databaseUserBatches(definitions, [])),
            ],
        },
        {
            name: "audit-tables",
            title: "What a deployment then runs on the audit cluster for the tables.",
            session: {},
            steps: [
                ...definitions.map(logFunctionStep),
                ...steps("tables", trailBatches(definitions, definitions)),
                ...steps("marker-gaps", markerGapBatches(definitions)),
                ...batchSteps(
                    "audit",
                    joinGroupBatches(definitions),
                    "script audit-database-joined, where there are groups, before a task gets tables of another one",
                ),
                ...batchSteps(
                    "audit",
                    retirementBatches(definitions, definitions, choicesOf(definitions)),
                    "script audit-database-retired, once the task knows the tables",
                ),
            ],
        },
    ];
}

/** The columns that are left out, as the config says it. */
function choicesOf(definitions: readonly TableDefinition[]): TableChoices[] {
    return definitions.map(({ schema, table, excluded = [] }) => ({
        schema,
        table,
        columns: excluded.map(({ name, reason }) => ({
            name,
            choice: { kind: "exclude", reason },
        })),
    }));
}
