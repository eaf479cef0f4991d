import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
import type { TableName } from "../../trail/tableDefinition";
import { type TableGroup, tableGroups } from "../../trail/tableGroups";
import { stackState } from "../stackState";
import { deployedGroups } from "./deployedGroups";
import { type GroupPlan, planGroups } from "./groupPlan";

/** The plan for the groups of the config, said aloud; a mistake in it ends the program with its sentence. */
export function plannedGroups(
    { tables, groups }: { tables: readonly TableName[]; groups: readonly TableGroup[] },
    prefix: string,
): GroupPlan {
    try {
        const plan = planGroups(tableGroups(tables, groups), deployedGroups(stackState(), prefix));
        plan.news.notes.forEach((note) => void pulumi.log.info(note));
        plan.news.warnings.forEach((warning) => void pulumi.log.warn(warning));
        return plan;
    } catch (error) {
        throw new pulumi.RunError(messageOf(error));
    }
}
