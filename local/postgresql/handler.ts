import { randomBytes } from "node:crypto";
import { CheckFailure, hasUnknown, Props, ResourceContext, ResourceHandler } from "../provider";
import { Server } from "./connection";
import { statementFailure } from "./failures";
import { checkProperties, differences, Properties, text } from "./properties";

/** One resource type of the provider: its inputs and the statements behind it. */
export interface Resource {
    readonly properties: Properties;
    /** Grants go before their replacement comes, because taking away the old one would take away the new one's rights too. */
    readonly deleteBeforeReplace?: boolean;
    /** How errors call it, for example `role "auditor"`. */
    label(inputs: Props): string;
    /** Rules across inputs; only called when every input is known. */
    validate?(inputs: Props): readonly CheckFailure[];
    /** Gives the id. */
    create(server: Server, inputs: Props): Promise<string>;
    /** What the server has of it now, undefined when it is gone. */
    read(server: Server, id: string, state: Props): Promise<Props | undefined>;
    update?(server: Server, olds: Props, news: Props): Promise<void>;
    delete(server: Server, state: Props): Promise<void>;
}

async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (cause) {
        const sentence = `The ${what}: ${statementFailure(cause)}.`;
        throw new Error(sentence, { cause });
    }
}

/** A name for a resource whose program gives none: the resource's own and 7 random digits, kept for its life. */
function withName(ctx: ResourceContext, olds: Props, news: Props): Props {
    if (text(news, "name") !== "") {
        return news;
    }
    const kept = text(olds, "name");
    const generated = new RegExp(`-[0-9a-f]{7}$`).test(kept) && kept.startsWith(`${ctx.name}-`);
    const name = generated ? kept : `${ctx.name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    return { ...news, name };
}

function outputs(properties: Properties, inputs: Props, live: Props): Props {
    return Object.fromEntries(
        Object.entries({ ...inputs, ...live }).filter(([key]) => !properties[key]?.writeOnly),
    );
}

/** Serves a resource type to the engine: checks, defaults, differences, and errors that name the resource. */
export function resourceHandler(
    resource: Resource,
    current: () => Server,
): Required<ResourceHandler> {
    const { properties } = resource;
    const live = async (id: string, state: Props): Promise<Props> => {
        const found = await resource.read(current(), id, state);
        if (found === undefined) {
            throw new Error("it is not there right after the statements that make it succeeded");
        }
        return outputs(properties, state, found);
    };
    return {
        check(ctx, olds, news) {
            const named = "name" in properties ? withName(ctx, olds, news) : news;
            const { inputs, failures } = checkProperties(properties, named);
            if (failures.length === 0 && !hasUnknown(inputs)) {
                failures.push(...(resource.validate?.(inputs) ?? []));
            }
            return Promise.resolve({ inputs, failures });
        },
        diff(_ctx, olds, news) {
            const changed = differences(properties, olds, news);
            const replaces = changed.filter((key) => properties[key]?.replaces === true);
            // The same name cannot exist twice: then the old one goes first, as the Pulumi bridge does it.
            const sameName = "name" in properties && olds.name === news.name;
            return {
                changes: changed.length > 0,
                replaces,
                deleteBeforeReplace:
                    replaces.length > 0 && (resource.deleteBeforeReplace === true || sameName),
            };
        },
        create(_ctx, inputs) {
            return explained(`${resource.label(inputs)} could not be created`, async () => {
                const id = await resource.create(current(), inputs);
                return { id, outputs: await live(id, inputs) };
            });
        },
        read(_ctx, id, state) {
            return explained(`${resource.label(state)} could not be read`, async () => {
                const found = await resource.read(current(), id, state);
                if (found === undefined) {
                    return { id: "", outputs: {} };
                }
                const all = outputs(properties, state, found);
                const inputs = Object.fromEntries(
                    Object.entries(all).filter(([key]) => key in properties),
                );
                return { id, outputs: all, inputs };
            });
        },
        update(_ctx, id, olds, news) {
            return explained(`${resource.label(olds)} could not be updated`, async () => {
                if (resource.update === undefined) {
                    throw new Error("it has nothing that can change in place");
                }
                await resource.update(current(), olds, news);
                return live(id, { ...news });
            });
        },
        delete(_ctx, _id, state) {
            return explained(`${resource.label(state)} could not be deleted`, () =>
                resource.delete(current(), state),
            );
        },
    };
}
