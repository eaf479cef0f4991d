import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import type { ResourceType } from "../engine/resourceTypes";
import { stackRule } from "../engine/rule";

const BUCKET = "aws:s3/bucket:Bucket";

/** What closes a bucket, each a resource of its own: a bucket without one of them has S3's default. */
const CLOSING = {
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "lifecycle",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "owner of objects",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "block of public access",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "encryption by KMS",
    "aws:s3/bucketVersioning:BucketVersioning": "versions",
} as const satisfies Partial<Record<ResourceType, string>>;

const closed = stackRule({
    name: "stack-buckets-closed",
    displayName: "Every bucket is closed, encrypted and versioned",
    description:
        "A bucket of the stack has a policy, a block of public access, an owner of all its objects, encryption by KMS, versions, and a lifecycle that removes old ones. Each is a resource of its own, and other rules judge what it says.",
    severity: "high",
    frameworks: [
        securityHub("S3.8", "S3 general purpose buckets should block public access"),
        securityHub("S3.10", "Buckets with versioning should have Lifecycle configurations"),
        securityHub("S3.12", "ACLs should not be used to manage user access to buckets"),
        securityHub("S3.13", "S3 general purpose buckets should have Lifecycle configurations"),
        securityHub("S3.14", "S3 general purpose buckets should have versioning enabled"),
        securityHub("S3.17", "Buckets should be encrypted at rest with AWS KMS keys"),
        auditTrail("Only DMS and the operator get in", "A program of somebody else's"),
    ],
    remediationSteps: "Add the resource that the message names, for this bucket.",
    url: pages.hubS3,
    changedIn: programFiles.hostVerify,
    check: (stack, findings) => {
        const buckets = stack.ofType(BUCKET);
        for (const [type, what] of Object.entries(CLOSING) as [keyof typeof CLOSING, string][]) {
            const has = new Set(
                stack
                    .ofType(type)
                    .flatMap((one) => stack.behind(one, "bucket", BUCKET, ["id", "bucket"])),
            );
            for (const { name, urn } of buckets.filter((bucket) => !has.has(bucket))) {
                findings.violation(
                    `${name} has no ${what}; add a resource of the type ${type}.`,
                    urn,
                );
            }
        }
    },
});

export const bucketPairRules = [closed] as const;
