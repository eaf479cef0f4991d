import * as pulumi from "@pulumi/pulumi";
import { refuseOtherAccount } from "./components/account";
import { readStackState } from "./components/stackState";
import { loadConfig } from "./config/config";

/**
 * What the engine runs: index.ts, once it is known that the credentials are those of the stack's account, and what the stack
 * has by now. The one is asked of AWS, the other of the engine, and a module that exports its outputs cannot wait for answers.
 */
export = async function main(): Promise<unknown> {
    const { accountId } = loadConfig().stack;
    await refuseOtherAccount({ accountId, region: pulumi.runtime.getConfig("aws:region") });
    await readStackState();
    // A CommonJS module's exports come as its default, or by their names, as the loader likes it.
    const loaded = (await import("./index.js")) as unknown as { readonly default?: unknown };
    const outputs = Object.entries(loaded.default ?? loaded);
    // The engine warns of outputs that are undefined, and a stack without a psql host has none of the host's.
    return Object.fromEntries(outputs.filter(([, value]) => value !== undefined));
};
