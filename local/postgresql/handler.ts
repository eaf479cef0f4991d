import {
    type CheckFailure,
    hasUnknown,
    type Props,
    type ResourceContext,
    type ResourceHandler,
} from "../provider";
import type { Server } from "./connection";
import { pluginError } from "./failures";
import {
    checkProperties,
    differences,
    type Properties,
    refreshedInputs,
    text,
    withSecrets,
} from "./properties";

/** One resource type of the provider: its inputs and the statements behind it. */
export interface Resource {
    readonly properties: Properties;
    /** Rules across inputs; only called when every input is known. */
    validate?(inputs: Props): readonly CheckFailure[];
    /** Gives the id. */
    create(server: Server, inputs: Props): Promise<string>;
    /** What the server has of it now, undefined when it is gone. An `id` among it replaces the one it had. */
    read(server: Server, id: string, state: Props): Promise<Props | undefined>;
    update(server: Server, olds: Props, news: Props): Promise<void>;
    delete(server: Server, state: Props, id: string): Promise<void>;
}

/** Runs work; an error gets the form in which the real plugin hands it to the engine. */
async function reported<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (cause) {
        throw new Error(pluginError(action, cause), { cause });
    }
}

/** What goes into the state: every property, empty where there is none, and what else the server returned. */
function outputs(properties: Properties, id: string, given: Props, live: Props): Props {
    const values = Object.entries(properties).map(([key, { initial }]) => [
        key,
        live[key] ?? given[key] ?? initial ?? null,
    ]);
    return withSecrets(properties, { ...live, ...(Object.fromEntries(values) as Props), id }, true);
}

/** A list that the program does not give stays unset after a change, though the server has an empty one. */
function withoutNewEmptyLists(live: Props, known: Props): Props {
    return Object.fromEntries(
        Object.entries(live).map(([key, value]) =>
            Array.isArray(value) && value.length === 0 && !Array.isArray(known[key])
                ? [key, null]
                : [key, value],
        ),
    );
}

/**
 * Serves a resource type to the engine as the Pulumi bridge does for the real provider: what the program says is compared
 * with the state, which is what the server had when it was last read, not with what the program said before.
 */
export function resourceHandler(
    resource: Resource,
    current: () => Server,
): Required<ResourceHandler> {
    const { properties } = resource;
    const changed = async (ctx: ResourceContext, id: string, given: Props, known: Props) => {
        const found = await resource.read(current(), id, given);
        if (found === undefined) {
            throw new Error(`expected non-nil error with nil state during Create of ${ctx.urn}`);
        }
        const live = { ...found, ...withoutNewEmptyLists(pick(found, properties), known) };
        const newId = text(found, "id") || id;
        return { id: newId, outputs: outputs(properties, newId, given, live) };
    };
    return {
        check(_ctx, olds, news) {
            const { inputs, failures } = checkProperties(properties, olds, news);
            if (failures.length === 0 && !hasUnknown(inputs)) {
                failures.push(...(resource.validate?.(inputs) ?? []));
            }
            return Promise.resolve({ inputs: withSecrets(properties, inputs, false), failures });
        },
        diff(_ctx, _olds, news, state, ignored) {
            const changes = differences(properties, state, without(ignored, news, state));
            const replaces = changes.filter((key) => properties[key]?.replaces === true);
            return {
                changes: changes.length > 0,
                differing: [...changes].sort(),
                replaces,
                // A name that the program gives, as each does here, may not be free for a second one.
                deleteBeforeReplace: replaces.length > 0,
            };
        },
        create(ctx, inputs) {
            return reported("", async () =>
                changed(ctx, await resource.create(current(), inputs), inputs, inputs),
            );
        },
        read(ctx, id, state, inputs) {
            return reported(`refreshing ${ctx.urn}: `, async () => {
                const found = await resource.read(current(), id, state);
                if (found === undefined) {
                    return { id: "", outputs: {}, inputs: {} };
                }
                const newId = text(found, "id") || id;
                const all = outputs(properties, newId, state, found);
                return {
                    id: newId,
                    outputs: all,
                    inputs: withSecrets(
                        properties,
                        refreshedInputs(properties, inputs, { ...all, ...pick(found, properties) }),
                        false,
                    ),
                };
            });
        },
        update(ctx, id, olds, program, ignored) {
            const news = without(ignored, program, olds);
            return reported(`updating ${ctx.urn}: `, async () => {
                await resource.update(current(), olds, news);
                return (await changed(ctx, id, news, olds)).outputs;
            });
        },
        delete(ctx, id, state) {
            return reported(`deleting ${ctx.urn}: `, () => resource.delete(current(), state, id));
        },
    };
}

/** Those of the values that are inputs of the resource as well. */
function pick(values: Props, properties: Properties): Props {
    return Object.fromEntries(Object.entries(values).filter(([key]) => key in properties));
}

/** New inputs with what the state has in the place of those whose changes are ignored. */
function without(ignored: readonly string[], news: Props, state: Props): Props {
    return { ...news, ...Object.fromEntries(ignored.map((key) => [key, state[key]])) };
}
