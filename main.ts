import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { refuseOtherAccount } from "./components/account";
import { readStackState } from "./components/stackState";
import { loadConfig } from "./config/config";

const load = createRequire(__filename);

/**
 * What the engine runs: index.ts, once it is known that the credentials are those of the stack's account, and what the stack
 * has by now. The one is asked of AWS, the other of the engine, and a module that exports its outputs cannot wait for answers.
 */
export = async function main(): Promise<unknown> {
    const { accountId } = loadConfig().stack;
    await refuseOtherAccount({ accountId, region: pulumi.runtime.getConfig("aws:region") });
    await readStackState();
    const outputs = Object.entries(load("./index") as Readonly<Record<string, unknown>>);
    // The engine warns of outputs that are undefined, and a stack without a psql host has none of the host's.
    return Object.fromEntries(outputs.filter(([, value]) => value !== undefined));
};
