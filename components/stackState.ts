import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";

/** What the stack's state has of its resources, by URN: an object with the `outputs` of each. */
export type StackState = ReadonlyMap<string, unknown>;

/**
 * The engine's own function that lists the resources of a stack's state, by URN. StackReference reads outputs with its
 * sibling; see pkg/resource/deploy/builtins.go of pulumi/pulumi.
 */
const READ_STATE = "pulumi:pulumi:readStackResourceOutputs";

/** How long to go on trying to read a state, and how often, in milliseconds. */
const READ_DEADLINE_MS = 10_000;
const READ_EVERY_MS = 200;

/** The state of the stack that is being deployed, as it is when this is called: empty before the first update. */
export async function readStackState(): Promise<StackState> {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    const deadline = Date.now() + READ_DEADLINE_MS;
    for (;;) {
        try {
            const { outputs } = (await pulumi.runtime.invoke(READ_STATE, { stackName })) as {
                readonly outputs: Readonly<Record<string, unknown>>;
            };
            return new Map(Object.entries(outputs));
        } catch (error) {
            // A state in a file is cut short for the moment in which the engine writes it.
            if (Date.now() > deadline) {
                throw error;
            }
            await setTimeout(READ_EVERY_MS);
        }
    }
}

/** The name part of a URN; a name is its own. */
export function nameOf(nameOrUrn: string): string {
    return nameOrUrn.split("::").at(3) ?? nameOrUrn;
}
