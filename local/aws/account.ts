import path from "node:path";
import { localDir } from "../engine/paths";

/** The make-believe AWS account that the resources live in. */
export interface Account {
    readonly accountId: string;
    readonly partition: string;
    readonly region: string;
    /** Tags that the provider's configuration adds to every resource. */
    readonly defaultTags: Readonly<Record<string, string>>;
}

const DEFAULT_REGION = "us-east-1";

/** Reads what matters from the provider's configuration (`aws:region`, `aws:defaultTags`) and the environment. */
export function parseAccount(
    config: Readonly<Record<string, string>>,
    environment: NodeJS.ProcessEnv = process.env,
): Account {
    const region = [config.region, environment.AWS_REGION, environment.AWS_DEFAULT_REGION].find(
        (value) => value !== undefined && value !== "",
    );
    const defaults = JSON.parse(config.defaultTags ?? "{}") as { tags?: Record<string, string> };
    return {
        accountId: "000000000000",
        partition: "aws",
        region: region ?? DEFAULT_REGION,
        defaultTags: defaults.tags ?? {},
    };
}

/** An ARN of this account; IAM and other global services have no region in theirs. */
export function arn(account: Account, service: string, resource: string): string {
    const region = service === "iam" ? "" : account.region;
    return `arn:${account.partition}:${service}:${region}:${account.accountId}:${resource}`;
}

/** The folder of everything that a stack has on this machine. */
export function localStackDir(stack: string): string {
    return path.join(localDir(), stack);
}
