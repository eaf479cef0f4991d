import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { refuseOtherAccount } from "./components/account";
import { readAccountRoles } from "./components/dms/missingRoles";
import { readStackState, stackState } from "./components/stackState";
import { loadConfig } from "./config/config";

const load = createRequire(__filename);

/**
 * What the engine runs: index.ts, once it is known that the credentials are those of the stack's account, what the stack has by
 * now, and what the account has. AWS and the engine are asked, and a module that exports its outputs cannot wait for answers.
 */
export = async function main(): Promise<unknown> {
    const { stack, dms } = loadConfig();
    const { accountId } = stack;
    await refuseOtherAccount({ accountId, region: pulumi.runtime.getConfig("aws:region") });
    await readStackState();
    if (dms.createRoles) {
        await readAccountRoles(stackState());
    }
    const outputs = Object.entries(load("./index") as Readonly<Record<string, unknown>>);
    // The engine warns of outputs that are undefined, and a stack without a psql host has none of the host's.
    return Object.fromEntries(outputs.filter(([, value]) => value !== undefined));
};
