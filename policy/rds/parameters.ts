import type { Findings } from "../engine/findings";
import { isValues, items, shown, Unknown, type Values } from "../engine/values";

/** What a parameter group says about one parameter. */
export interface NamedParameters {
    readonly entries: readonly Values[];
    /** False when an unknown or malformed entry may hide another mention of the parameter. */
    readonly complete: boolean;
}

/** The parameters of this name in a group's `parameters`; what is unknown or malformed goes to the findings. */
export function parametersNamed(
    name: string,
    parameters: unknown,
    findings: Findings,
    urn?: string,
): NamedParameters {
    if (parameters === undefined) {
        return { entries: [], complete: true };
    }
    findings.require(
        parameters,
        Array.isArray,
        "parameters is not a list; give a list of {name, value, applyMethod}.",
        urn,
    );
    let complete = Array.isArray(parameters);
    const entries: Values[] = [];
    for (const parameter of items(parameters)) {
        findings.require(
            parameter,
            isValues,
            "parameters holds an entry that is not an object; give {name, value, applyMethod}.",
            urn,
        );
        if (!isValues(parameter)) {
            complete = false;
        } else if (parameter.name instanceof Unknown) {
            findings.undecided(parameter.name);
            complete = false;
        } else if (parameter.name === name) {
            entries.push(parameter);
        }
    }
    return { entries, complete };
}

/** Requires `rds.logical_replication` to be 1 from the next start of the server on. */
export function requireLogicalReplication(
    parameter: Values,
    findings: Findings,
    urn?: string,
): void {
    findings.require(
        parameter.value,
        (value) => value === "1",
        `rds.logical_replication is ${shown(parameter.value)}, so no change can be captured; set the value "1", or leave the parameter out of a group that no source uses.`,
        urn,
    );
    findings.require(
        parameter.applyMethod,
        (method) => method === "pending-reboot",
        `applyMethod of rds.logical_replication is ${shown(parameter.applyMethod)}, but the parameter is static; set "pending-reboot".`,
        urn,
    );
}
