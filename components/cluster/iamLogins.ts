import type { PolicyDocument } from "../iamPolicies";

/**
 * What a person's IAM role needs so that it can log in to a server as a login that IAM authenticates.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
 * @param serverArn The ARN of the cluster or the instance.
 * @param resourceId The id that AWS gave it, which a new server under the same name does not have.
 */
export function loginPolicy(serverArn: string, resourceId: string, login: string): PolicyDocument {
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
