import { randomBytes, randomInt } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
    changedProperties,
    type Props,
    type ResourceContext,
    type ResourceDiff,
    type ResourceHandler,
} from "../provider";
import { type Account, arn } from "./account";
import { type Call, text, type TypeBehaviour } from "./behaviour";
import { type ResourceRecord, Store } from "./store";
import type { TaskControl } from "./taskControl";
import { refusedInputs } from "./validate";

/** Where a handler works: the account, and each stack's folder. */
export interface Place {
    readonly account: Account;
    readonly stackDir: (stack: string) => string;
    readonly control: TaskControl;
}

/** Marks, as the AWS plugin does, the inputs that check filled in and that the program may still leave out. */
const DEFAULTS = "__defaults";

/** A resource type, how it behaves, and where its resources are. */
interface RecordedType {
    readonly type: string;
    readonly behaviour: TypeBehaviour;
    readonly place: Place;
}

/** The handler of a resource type: records every resource and follows the type's behaviour. */
export function recorded(type: string, behaviour: TypeBehaviour, place: Place): ResourceHandler {
    const all: RecordedType = { type, behaviour, place };
    return {
        check: (ctx, olds, news) => {
            const inputs = withName(behaviour, ctx.name, olds, news);
            return Promise.resolve({ inputs, failures: refusedInputs(behaviour, inputs) });
        },
        diff: (_ctx, olds, news) => difference(behaviour, olds, news),
        create: (ctx, inputs) => create(all, ctx, inputs),
        read: async (ctx, id, state) => {
            const record = await callOf(place, ctx, id).store.get(type, id);
            return record === undefined
                ? { id: "", outputs: {} }
                : { id, outputs: { ...state, ...record.inputs, ...record.computed } };
        },
        update: (ctx, id, _olds, news) => update(all, ctx, id, news),
        delete: async (ctx, id) => {
            const call = callOf(place, ctx, id);
            const record = await call.store.get(type, id);
            if (record !== undefined) {
                await behaviour.delete?.(call, record);
                await call.store.remove(type, id);
            }
        },
    };
}

function callOf({ account, control, stackDir }: Place, ctx: ResourceContext, id: string): Call {
    const folder = stackDir(ctx.stack);
    return { id, account, control, store: new Store(folder), stackDir: folder };
}

function complete(
    { type, place }: RecordedType,
    id: string,
    inputs: Props,
    computed: Props,
): Props {
    return { ...common(type, id, inputs, place.account), ...inputs, ...computed };
}

function difference(behaviour: TypeBehaviour, olds: Props, news: Props): ResourceDiff {
    const changed = changedProperties(olds, news).filter((name) => name !== DEFAULTS);
    const { replaceOn = [] } = behaviour;
    const fixed = typeof replaceOn === "function" ? replaceOn(news, olds) : replaceOn;
    const replaces = changed.filter((name) => fixed.includes(name));
    return {
        changes: changed.length > 0,
        replaces,
        deleteBeforeReplace: replaces.length > 0 && keepsName(behaviour, olds, news),
    };
}

async function create(
    all: RecordedType,
    ctx: ResourceContext,
    inputs: Props,
): Promise<{ id: string; outputs: Props }> {
    const { type, behaviour, place } = all;
    const id = newId(behaviour, inputs, place.account, ctx.name);
    const call = callOf(place, ctx, id);
    const same = await sameResource(call.store, ctx, behaviour, inputs);
    if (same !== undefined) {
        return { id: same.id, outputs: complete(all, same.id, inputs, same.computed) };
    }
    if ((await call.store.get(type, id)) !== undefined) {
        throw new Error(
            `${type} "${id}" already exists in the local stack "${ctx.stack}": choose another name, or stop the stack and start it again.`,
        );
    }
    const computed = (await behaviour.create?.(call, inputs)) ?? {};
    await call.store.put({ type, id, urn: ctx.urn, inputs: shown(behaviour, inputs), computed });
    return { id, outputs: complete(all, id, inputs, computed) };
}

async function update(
    all: RecordedType,
    ctx: ResourceContext,
    id: string,
    news: Props,
): Promise<Props> {
    const { type, behaviour, place } = all;
    const call = callOf(place, ctx, id);
    const before = await call.store.get(type, id);
    if (before === undefined) {
        throw new Error(
            `${type} "${id}" is gone from the local stack "${ctx.stack}": run pulumi refresh, or stop the stack and start it again.`,
        );
    }
    const changed = (await behaviour.update?.(call, before, news)) ?? {};
    const computed = { ...before.computed, ...changed };
    await call.store.put({ type, id, urn: ctx.urn, inputs: shown(behaviour, news), computed });
    return complete(all, id, news, computed);
}

/** What nearly every AWS resource has. A behaviour's own values come later and win. */
function common(type: string, id: string, inputs: Props, account: Account): Props {
    const [, moduleName = "", noun = ""] = /^aws:([^/:]+)[^:]*:(.+)$/.exec(type) ?? [];
    const tags = inputs.tags as Record<string, string> | undefined;
    const path = noun.charAt(0).toLowerCase() + noun.slice(1);
    return {
        arn: arn(account, moduleName, `${path}/${id}`),
        region: account.region,
        tagsAll: { ...account.defaultTags, ...tags },
    };
}

function withName(behaviour: TypeBehaviour, resourceName: string, olds: Props, news: Props): Props {
    const name = behaviour.autoName;
    if (name === undefined || news[name] !== undefined) {
        return news;
    }
    const wasMade = Array.isArray(olds[DEFAULTS]) && olds[DEFAULTS].includes(name);
    const prefix = text(news, `${name}Prefix`);
    const fresh =
        prefix === undefined ? `${resourceName}-${hex(7)}` : `${prefix}${digits(PREFIXED_DIGITS)}`;
    const made = wasMade ? olds[name] : fresh;
    return { ...news, [name]: made, [DEFAULTS]: [name] };
}

/**
 * Whether the program keeps the name that the plugin could have made, so that the old resource must go first. A name that
 * the plugin never makes does not count, and the new one then fails because of the old one: nameRequiresDeleteBeforeReplace
 * in pulumi-terraform-bridge.
 */
function keepsName(behaviour: TypeBehaviour, olds: Props, news: Props): boolean {
    const name = behaviour.autoName;
    return (
        name !== undefined && news[name] !== undefined && isDeepStrictEqual(olds[name], news[name])
    );
}

function newId(
    behaviour: TypeBehaviour,
    inputs: Props,
    account: Account,
    resourceName: string,
): string {
    if (behaviour.makeId !== undefined) {
        return behaviour.makeId(inputs, account);
    }
    if (behaviour.idFrom !== undefined) {
        return text(inputs, behaviour.idFrom) ?? `${resourceName}-${hex(7)}`;
    }
    return behaviour.idPrefix === undefined
        ? `${resourceName}-${hex(7)}`
        : `${behaviour.idPrefix}${hex(17)}`;
}

/**
 * The resource that an earlier run of the same program made and died before the engine heard of it; making it again
 * would fail or leave one too many.
 */
async function sameResource(
    store: Store,
    ctx: ResourceContext,
    behaviour: TypeBehaviour,
    inputs: Props,
): Promise<ResourceRecord | undefined> {
    const plain = JSON.parse(JSON.stringify(shown(behaviour, inputs))) as Props;
    const all = await store.list(ctx.type);
    return all.find((record) => record.urn === ctx.urn && isDeepStrictEqual(record.inputs, plain));
}

function shown(behaviour: TypeBehaviour, inputs: Props): Props {
    const kept = Object.entries(inputs).filter(([name]) => !behaviour.hidden?.includes(name));
    return Object.fromEntries(kept);
}

/** So many digits follow a name's prefix: UniqueIDSuffixLength in terraform-plugin-sdk. */
const PREFIXED_DIGITS = 26;

function digits(count: number): string {
    return Array.from({ length: count }, () => randomInt(10)).join("");
}

/** Random hexadecimal digits. */
export function hex(digits: number): string {
    return randomBytes(Math.ceil(digits / 2))
        .toString("hex")
        .slice(0, digits);
}
