import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import {
    changedProperties,
    type Props,
    type ResourceContext,
    type ResourceHandler,
} from "../provider";
import { type Account, arn } from "./account";
import type { TaskControl } from "./taskControl";
import { type Call, text, type TypeRule } from "./behaviour";
import { type ResourceRecord, Store } from "./store";
import { refusedInputs } from "./validate";

/** Where a handler works: the account, and each stack's folder. */
export interface Place {
    readonly account: Account;
    readonly stackDir: (stack: string) => string;
    readonly control: TaskControl;
}

/** Marks, as the AWS plugin does, the inputs that check filled in and that the program may still leave out. */
const DEFAULTS = "__defaults";

/** The handler of a resource type: records every resource and follows the type's rule. */
export function recorded(type: string, rule: TypeRule, place: Place): ResourceHandler {
    const call = (ctx: ResourceContext, id: string): Call => {
        const stackDir = place.stackDir(ctx.stack);
        const { account, control } = place;
        return { ctx, id, account, control, store: new Store(stackDir), stackDir };
    };
    const complete = (id: string, inputs: Props, computed: Props): Props => ({
        ...common(type, id, inputs, place.account),
        ...inputs,
        ...computed,
    });
    return {
        check: (ctx, olds, news) => {
            const inputs = withName(rule, ctx.name, olds, news);
            return Promise.resolve({ inputs, failures: refusedInputs(rule, inputs) });
        },
        diff: (_ctx, olds, news) => {
            const changed = changedProperties(olds, news).filter((name) => name !== DEFAULTS);
            const replaces = changed.filter((name) => rule.replaceOn?.includes(name));
            return {
                changes: changed.length > 0,
                replaces,
                deleteBeforeReplace: replaces.length > 0 && keepsName(rule, olds, news),
            };
        },
        create: async (ctx, inputs) => {
            const id = newId(rule, inputs, place.account, ctx.name);
            const { store } = call(ctx, id);
            const same = await sameResource(store, ctx, rule, inputs);
            if (same !== undefined) {
                return { id: same.id, outputs: complete(same.id, inputs, same.computed) };
            }
            if ((await store.get(type, id)) !== undefined) {
                throw new Error(
                    `${type} "${id}" already exists in the local stack "${ctx.stack}": choose another name, or stop the stack and start it again.`,
                );
            }
            const computed = (await rule.create?.(call(ctx, id), inputs)) ?? {};
            await store.put({ type, id, urn: ctx.urn, inputs: shown(rule, inputs), computed });
            return { id, outputs: complete(id, inputs, computed) };
        },
        read: async (ctx, id, state) => {
            const record = await call(ctx, id).store.get(type, id);
            return record === undefined
                ? { id: "", outputs: {} }
                : { id, outputs: { ...state, ...record.inputs, ...record.computed } };
        },
        update: async (ctx, id, _olds, news) => {
            const { store } = call(ctx, id);
            const before = await store.get(type, id);
            if (before === undefined) {
                throw new Error(
                    `${type} "${id}" is gone from the local stack "${ctx.stack}": run pulumi refresh, or stop the stack and start it again.`,
                );
            }
            const changed = (await rule.update?.(call(ctx, id), before, news)) ?? {};
            const computed = { ...before.computed, ...changed };
            await store.put({ type, id, urn: ctx.urn, inputs: shown(rule, news), computed });
            return complete(id, news, computed);
        },
        delete: async (ctx, id) => {
            const { store } = call(ctx, id);
            const record = await store.get(type, id);
            if (record !== undefined) {
                await rule.delete?.(call(ctx, id), record);
                await store.remove(type, id);
            }
        },
    };
}

/** What nearly every AWS resource has. A rule's own values come later and win. */
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

function withName(rule: TypeRule, resourceName: string, olds: Props, news: Props): Props {
    const name = rule.autoName;
    if (name === undefined || news[name] !== undefined) {
        return news;
    }
    const wasMade = Array.isArray(olds[DEFAULTS]) && olds[DEFAULTS].includes(name);
    const prefix = text(news, `${name}Prefix`) ?? `${resourceName}-`;
    const made = wasMade ? olds[name] : `${prefix}${hex(7)}`;
    return { ...news, [name]: made, [DEFAULTS]: [name] };
}

/** Whether old and new resource would have the same name, so that the old one must go first. */
function keepsName(rule: TypeRule, olds: Props, news: Props): boolean {
    const name = rule.autoName ?? rule.idFrom;
    return (
        name !== undefined && news[name] !== undefined && isDeepStrictEqual(olds[name], news[name])
    );
}

function newId(rule: TypeRule, inputs: Props, account: Account, resourceName: string): string {
    if (rule.makeId !== undefined) {
        return rule.makeId(inputs, account);
    }
    if (rule.idFrom !== undefined) {
        return text(inputs, rule.idFrom) ?? `${resourceName}-${hex(7)}`;
    }
    return rule.idPrefix === undefined ? `${resourceName}-${hex(7)}` : `${rule.idPrefix}${hex(17)}`;
}

/**
 * The resource that an earlier run of the same program made and died before the engine heard of it; making it again
 * would fail or leave one too many.
 */
async function sameResource(
    store: Store,
    ctx: ResourceContext,
    rule: TypeRule,
    inputs: Props,
): Promise<ResourceRecord | undefined> {
    const plain = JSON.parse(JSON.stringify(shown(rule, inputs))) as Props;
    const all = await store.list(ctx.type);
    return all.find((record) => record.urn === ctx.urn && isDeepStrictEqual(record.inputs, plain));
}

function shown(rule: TypeRule, inputs: Props): Props {
    const kept = Object.entries(inputs).filter(([name]) => !rule.hidden?.includes(name));
    return Object.fromEntries(kept);
}

/** Random hexadecimal digits. */
export function hex(digits: number): string {
    return randomBytes(Math.ceil(digits / 2))
        .toString("hex")
        .slice(0, digits);
}
