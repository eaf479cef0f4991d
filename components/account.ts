import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { nearest } from "../text/nearest";

/** What the stack's settings say of where it belongs. */
export interface WantedAccount {
    /** The config key `accountId`. */
    readonly accountId: string | undefined;
    /** The config key `aws:region`, if it is set. */
    readonly region: string | undefined;
}

/** Where the credentials and the provider lead. */
export interface FoundAccount {
    readonly accountId: string;
    readonly region: string;
}

/** Why nothing may be made there, in one sentence; undefined where it may. */
export function accountProblem(wanted: WantedAccount, found: FoundAccount): string | undefined {
    if (wanted.accountId !== undefined && wanted.accountId !== found.accountId) {
        return `The credentials are of the account ${found.accountId}, and the config key audit-trail:accountId says that this stack belongs to ${wanted.accountId}; use credentials of that account, or run "pulumi config set accountId ${found.accountId}" if the stack belongs here.`;
    }
    if (wanted.region !== undefined && wanted.region !== found.region) {
        return `The provider works in the region ${found.region}, and the config key aws:region is ${wanted.region}; take AWS_REGION out of the environment, or run "pulumi config set aws:region ${found.region}" if the stack belongs there.`;
    }
    return undefined;
}

/** Why AWS has no such region, in one sentence; undefined where it has, or nothing names one. */
export function regionProblem(region: string | undefined): string | undefined {
    const known: readonly string[] = Object.values(aws.Region);
    if (region === undefined || known.includes(region)) {
        return undefined;
    }
    const mend = nearest(region, known) ?? "";
    return `The config key aws:region is ${JSON.stringify(region)}, but AWS has no such region; set it with "pulumi config set aws:region ${mend}".`;
}

/**
 * Asks AWS whose credentials these are, before anything is made.
 * @throws RunError in one sentence where the stack belongs elsewhere.
 */
export async function refuseOtherAccount(wanted: WantedAccount): Promise<void> {
    const unknown = regionProblem(wanted.region);
    if (unknown !== undefined) {
        throw new pulumi.RunError(unknown);
    }
    if (wanted.accountId === undefined && wanted.region === undefined) {
        return;
    }
    const [{ accountId }, { region }] = await Promise.all([
        aws.getCallerIdentity(),
        aws.getRegion(),
    ]);
    const problem = accountProblem(wanted, { accountId, region });
    if (problem !== undefined) {
        throw new pulumi.RunError(problem);
    }
}
