import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../text/errors";

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

/** What {@link readStackState} found. */
let known: StackState = new Map();

/** The stack's state as it was before this update; empty before the first one. */
export function stackState(): StackState {
    return known;
}

/**
 * Reads the state for {@link stackState}. To be awaited before resources are registered: a program cannot wait there, and the
 * engine begins to write.
 *
 * @throws RunError when it cannot be read
 */
export async function readStackState(): Promise<void> {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    const deadline = Date.now() + READ_DEADLINE_MS;
    for (;;) {
        try {
            const { outputs } = (await pulumi.runtime.invoke(READ_STATE, { stackName })) as {
                readonly outputs: Readonly<Record<string, unknown>>;
            };
            known = new Map(Object.entries(outputs));
            return;
        } catch (error) {
            // A state in a file is cut short for the moment in which the engine writes it.
            if (Date.now() > deadline) {
                throw new pulumi.RunError(
                    `The state of the stack ${pulumi.getStack()} cannot be read (${messageOf(error)}), and without it nobody knows what this update would replace: check the backend that "pulumi whoami --verbose" names, and run the command again.`,
                );
            }
            await setTimeout(READ_EVERY_MS);
        }
    }
}

/** The name part of a URN; a name is its own. */
export function nameOf(nameOrUrn: string): string {
    return nameOrUrn.split("::").at(3) ?? nameOrUrn;
}

/** The type part of a URN, without the types of its parents. */
export function typeOf(urn: string): string {
    return urn.split("::").at(2)?.split("$").at(-1) ?? "";
}

/** The outputs of the resource with one of these types and this name; undefined where the state has no such resource. */
export function outputsOf(
    state: StackState,
    types: readonly string[],
    name: string,
): Readonly<Record<string, unknown>> | undefined {
    const [, resource] =
        [...state].find(([urn]) => types.includes(typeOf(urn)) && nameOf(urn) === name) ?? [];
    return (resource as { readonly outputs?: Record<string, unknown> } | undefined)?.outputs;
}
