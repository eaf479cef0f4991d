/** An IAM policy document. */
export interface PolicyDocument {
    readonly Version: "2012-10-17";
    readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

/**
 * A trust policy: who may assume a role.
 * @param service A service principal such as ec2.amazonaws.com.
 * @param sourceAccount When given, the service may assume the role only on behalf of this account
 *     (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
 */
export function trustService(service: string, sourceAccount?: string): PolicyDocument {
    const condition =
        sourceAccount === undefined
            ? {}
            : { Condition: { StringEquals: { "aws:SourceAccount": sourceAccount } } };
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Principal: { Service: service },
                Action: "sts:AssumeRole",
                ...condition,
            },
        ],
    };
}

/**
 * Permission to read these secrets and nothing else.
 * @param kmsKeyArn The customer's key that encrypts them, if there is one.
 */
export function readSecrets(secretArns: readonly string[], kmsKeyArn?: string): PolicyDocument {
    const decrypt = { Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] };
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                Resource: secretArns,
            },
            ...(kmsKeyArn === undefined ? [] : [decrypt]),
        ],
    };
}
