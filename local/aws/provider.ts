import type { ProviderModule } from "../provider";
import { parseAccount } from "./account";
import { invokeFunction } from "./invokes";
import { type Place, recorded } from "./recorder";
import { behaviourOf } from "./types";

/** The version of the AWS plugin whose types and inputs this stand-in was written for. */
const PLAYED_VERSION = "7.48.0";

/**
 * The stand-in for the AWS plugin: RDS clusters are PostgreSQL servers, DMS tasks are replicators, everything else is
 * recorded.
 */
export function awsProvider(place: Omit<Place, "account">): ProviderModule {
    let account = parseAccount({});
    return {
        name: "aws",
        version: PLAYED_VERSION,
        configure: (config) => {
            account = parseAccount(config);
            return Promise.resolve();
        },
        handler: (type) => recorded(type, behaviourOf(type), { ...place, account }),
        invoke: (token, args) => Promise.resolve(invokeFunction(account, token, args)),
    };
}
