import * as pulumi from "@pulumi/pulumi";
import type { DatabaseUser } from "../../trail/databaseUsers";
import type { PolicyDocument } from "../iamPolicies";
import type { NewServer } from "./newServer";

/**
 * What a person's IAM role needs so that it can log in to a server as a login that IAM authenticates.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
 * @param serverArn The ARN of the cluster or the instance.
 * @param resourceId The id that AWS gave it, which a new server under the same name does not have.
 */
function loginPolicy(serverArn: string, resourceId: string, login: string): PolicyDocument {
    const [, partition = "", , region = "", account = ""] = serverArn.split(":");
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: "rds-db:connect",
                Resource: `arn:${partition}:rds-db:${region}:${account}:dbuser:${resourceId}/${login}`,
            },
        ],
    };
}

/** The people's logins that IAM authenticates. */
export function loginsByIam(users: readonly DatabaseUser[]): string[] {
    return users.filter(({ authentication }) => authentication === "iam").map(({ login }) => login);
}

/** {@link loginPolicy} of each login at a server, by login; undefined where there is no login. */
export function loginPolicies(
    { arn, resourceId }: Pick<NewServer, "arn" | "resourceId">,
    logins: readonly string[],
): pulumi.Output<Readonly<Record<string, PolicyDocument>>> | undefined {
    if (logins.length === 0) {
        return undefined;
    }
    return pulumi
        .all([arn, resourceId])
        .apply(([serverArn, id]) =>
            Object.fromEntries(logins.map((login) => [login, loginPolicy(serverArn, id, login)])),
        );
}
