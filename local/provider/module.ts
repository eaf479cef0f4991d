/** Property values as plain JSON: secrets unwrapped, unknown values as {@link UNKNOWN}. */
export type Props = Record<string, unknown>;

/** The text that stands for a value which is not known during preview (Pulumi's wire protocol). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The resource that a call is about, taken from its URN. */
export interface ResourceContext {
    readonly urn: string;
    /** Pulumi type token, for example `aws:rds/cluster:Cluster`. */
    readonly type: string;
    /** The resource's name in the program. */
    readonly name: string;
    readonly stack: string;
    readonly project: string;
}

/** One input that a check refuses, and why, in one sentence. */
export interface CheckFailure {
    readonly property: string;
    readonly reason: string;
}

/** What an update of a resource would have to do. */
export interface ResourceDiff {
    readonly changes: boolean;
    readonly replaces?: readonly string[];
    /** The properties that differ; without it those of the inputs. */
    readonly differing?: readonly string[];
    readonly deleteBeforeReplace?: boolean;
}

/** The behaviour of one resource type. Create, update and delete run only in real updates, never in previews. */
export interface ResourceHandler {
    check?(
        ctx: ResourceContext,
        olds: Props,
        news: Props,
    ): Promise<{ inputs: Props; failures: readonly CheckFailure[] }>;
    /**
     * Compares the inputs of the last update, or its outputs (the state), with the new inputs; without it every difference
     * of inputs is an update in place.
     *
     * @param ignored the properties whose changes the program ignores; the engine has put the old inputs in their place.
     */
    diff?(
        ctx: ResourceContext,
        olds: Props,
        news: Props,
        state: Props,
        ignored: readonly string[],
    ): ResourceDiff;
    create(ctx: ResourceContext, inputs: Props): Promise<{ id: string; outputs: Props }>;
    /** The live state; an empty id says that the resource is gone. */
    read?(
        ctx: ResourceContext,
        id: string,
        state: Props,
        inputs: Props,
    ): Promise<{ id: string; outputs: Props; inputs?: Props }>;
    update?(
        ctx: ResourceContext,
        id: string,
        olds: Props,
        news: Props,
        ignored: readonly string[],
    ): Promise<Props>;
    delete?(ctx: ResourceContext, id: string, state: Props): Promise<void>;
}

/** A provider: what `serve` needs to answer the engine. */
export interface ProviderModule {
    readonly name: string;
    readonly version: string;
    /** Receives the provider's own arguments; nested values arrive as JSON text. */
    configure?(config: Record<string, string>): Promise<void>;
    handler(type: string): ResourceHandler;
    /** The line that goes to the engine's log about an error, if any, before the failed call answers with it. */
    logLine?(error: Error): string | undefined;
    invoke(token: string, args: Props): Promise<Props>;
}

/** Splits a URN `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>` into its parts. */
export function parseUrn(urn: string): ResourceContext {
    const [head, project, types, ...name] = urn.split("::");
    const stack = head?.replace(/^urn:pulumi:/, "");
    const type = types?.split("$").at(-1);
    if (!stack || !project || !type || name.length === 0) {
        throw new Error(
            `The engine sent "${urn}", which is not a resource URN; use a Pulumi CLI of version 3.`,
        );
    }
    return { urn, type, name: name.join("::"), stack, project };
}
