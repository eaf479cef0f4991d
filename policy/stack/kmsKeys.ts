import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { stackRule } from "../engine/rule";
import { isValues, items, readValue, shown, Unknown } from "../engine/values";

/** Types that keep rows, passwords or logs, and the input by which each takes a key. */
const KEYED: Readonly<Record<string, string>> = {
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:dms/endpoint:Endpoint": "kmsKeyArn",
    "aws:dms/replicationInstance:ReplicationInstance": "kmsKeyArn",
    "aws:rds/cluster:Cluster": "kmsKeyId",
    "aws:rds/instance:Instance": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
};

/** A bucket's encryption is a resource of its own. */
const BUCKET =
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";

/** A host's input that takes the key of its disk. */
const HOST = "aws:ec2/instance:Instance";

const oneKey = stackRule({
    name: "stack-kms-key-everywhere",
    displayName: "A customer's key encrypts everything or nothing",
    description:
        "As soon as one resource that keeps rows, passwords or logs has a KMS key of the customer's, every such resource has one: whoever disables the key means to close all of them.",
    severity: "medium",
    frameworks: [
        auditTrail("Nobody but DMS and the operator reaches the trail", "A copy under another key"),
        securityHub("RDS.3", "RDS DB instances should have encryption at rest enabled"),
    ],
    remediationSteps:
        "Set the config key audit-trail:kmsKeyArn, which gives the key to all of them.",
    url: pages.hubRds,
    changedIn: "the config key audit-trail:kmsKeyArn",
    check: (stack, findings) => {
        const keyed = stack.resources.flatMap(({ type, name, urn, props }) => {
            const property = KEYED[type];
            if (type === HOST) {
                const key = diskKey(readValue(() => props.rootBlockDevice));
                return [{ name, urn, property: "rootBlockDevice.kmsKeyId", key }];
            }
            if (type === BUCKET) {
                const key = bucketKey(readValue(() => props.rules));
                return [{ name, urn, property: "kmsMasterKeyId", key }];
            }
            const key = property && readValue(() => props[property]);
            return property === undefined ? [] : [{ name, urn, property, key }];
        });
        const isGiven = (key: unknown): boolean => key instanceof Unknown || hasText(key);
        const first = keyed.find(({ key }) => hasText(key));
        for (const { name, urn, property, key } of keyed) {
            if (first !== undefined && !isGiven(key)) {
                findings.violation(
                    `${property} of ${name} is ${shown(key)} and that of ${first.name} is a key of your own; give both the same.`,
                    urn,
                );
            }
        }
    },
});

function hasText(value: unknown): boolean {
    return typeof value === "string" && value !== "";
}

function bucketKey(rules: unknown): unknown {
    const [rule] = items(rules);
    const given = isValues(rule) ? rule.applyServerSideEncryptionByDefault : (rule ?? rules);
    return isValues(given) ? given.kmsMasterKeyId : given;
}

function diskKey(device: unknown): unknown {
    return isValues(device) ? device.kmsKeyId : device;
}

export const kmsKeyRules = [oneKey] as const;
