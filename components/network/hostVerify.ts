import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { PolicyDocument } from "../iamPolicies";
import type { Owner } from "../owner";
import { named, type Tags } from "../tags";
import type { HostProgram } from "./hostProgram";

/** Arguments of {@link HostVerify}. */
export interface HostVerifyArgs {
    /** Name of the host's role, which may read the program and nothing else of the bucket. */
    readonly role: pulumi.Input<string>;
    readonly program: Pick<HostProgram, "text" | "sha256">;
    /** A key of the customer's for the bucket; undefined: the one that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    readonly tags: Tags;
}

/** Where the program is, as the command `audit-verify` on the host needs to know it. */
export interface HostProgramPlace {
    readonly bucket: pulumi.Input<string>;
    readonly key: string;
    readonly versionId: pulumi.Input<string>;
    readonly sha256: string;
}

const KEY = "audit-verify.cjs";

/** How long a version stays that an update has replaced: whoever has read the parameter before the update still finds it. */
const OLD_VERSION_DAYS = 30;

/** Nobody comes without TLS. Nobody is let in either: rights are those of IAM, in this account alone. */
function tlsOnly(bucketArn: string): PolicyDocument {
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Deny",
                Principal: "*",
                Action: "s3:*",
                Resource: [bucketArn, `${bucketArn}/*`],
                Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
        ],
    };
}

/**
 * The right to read the versions of one object: the host asks for the one that the parameter names, and
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html wants no other right for that. Without a key of the
 * customer's, AWS's own key for S3 lets in whoever S3 lets in.
 */
function readObject(bucketArn: string, kmsKeyArn: string | undefined): PolicyDocument {
    const decrypt = { Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] };
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: ["s3:GetObjectVersion"],
                Resource: [`${bucketArn}/${KEY}`],
            },
            ...(kmsKeyArn === undefined ? [] : [decrypt]),
        ],
    };
}

/** The program of `audit-verify`, in a bucket from which the psql host fetches it when the command is run. */
export class HostVerify extends pulumi.ComponentResource {
    readonly place: HostProgramPlace;

    constructor(name: string, args: HostVerifyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:HostVerify", name, {}, opts);
        const { kmsKeyArn, program, tags } = args;
        const owner: Owner = { name, tags, opts: { parent: this } };

        const bucket = programBucket(owner);
        const settings = [
            ownershipByBucket(owner, bucket),
            versioning(owner, bucket),
            encryption(owner, bucket, kmsKeyArn),
        ];
        const policy = tlsPolicy(owner, bucket, [publicAccessBlock(owner, bucket)]);
        expiryOfOldVersions(owner, bucket, settings);
        // Its first version is encrypted and has a number.
        const object = programObject(owner, bucket, program.text, [...settings, policy]);
        rightToRead(owner, bucket, args);

        const { versionId } = object;
        this.place = { bucket: bucket.id, key: KEY, versionId, sha256: program.sha256 };
        this.registerOutputs();
    }
}

function programBucket({ name, tags, opts }: Owner): aws.s3.Bucket {
    return new aws.s3.Bucket(
        `${name}-bucket`,
        {
            // Names of buckets are those of all accounts.
            bucketPrefix: `${name}-`,
            // It holds what the next update makes again, and versions that lifecycle has not removed yet.
            forceDestroy: true,
            tags: named(name, tags),
        },
        opts,
    );
}

function ownershipByBucket(
    { name, opts }: Owner,
    { id: bucket }: aws.s3.Bucket,
): aws.s3.BucketOwnershipControls {
    return new aws.s3.BucketOwnershipControls(
        `${name}-ownership`,
        { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
        opts,
    );
}

function versioning({ name, opts }: Owner, { id: bucket }: aws.s3.Bucket): aws.s3.BucketVersioning {
    return new aws.s3.BucketVersioning(
        `${name}-versioning`,
        { bucket, versioningConfiguration: { status: "Enabled" } },
        opts,
    );
}

function encryption(
    { name, opts }: Owner,
    { id: bucket }: aws.s3.Bucket,
    kmsMasterKeyId: string | undefined,
): aws.s3.BucketServerSideEncryptionConfiguration {
    return new aws.s3.BucketServerSideEncryptionConfiguration(
        `${name}-encryption`,
        {
            bucket,
            rules: [
                {
                    applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId },
                    bucketKeyEnabled: true,
                    // What S3 says of new buckets since March 2026, so that no second preview differs.
                    blockedEncryptionTypes: ["SSE-C"],
                },
            ],
        },
        opts,
    );
}

function publicAccessBlock(
    { name, opts }: Owner,
    { id: bucket }: aws.s3.Bucket,
): aws.s3.BucketPublicAccessBlock {
    return new aws.s3.BucketPublicAccessBlock(
        `${name}-public-access`,
        {
            bucket,
            blockPublicAcls: true,
            blockPublicPolicy: true,
            ignorePublicAcls: true,
            restrictPublicBuckets: true,
        },
        opts,
    );
}

/** @param dependsOn The other settings of public access: S3 refuses one of two changes at once (OperationAborted). */
function tlsPolicy(
    { name, opts }: Owner,
    { id: bucket, arn }: aws.s3.Bucket,
    dependsOn: pulumi.Resource[],
): aws.s3.BucketPolicy {
    return new aws.s3.BucketPolicy(
        `${name}-policy`,
        { bucket, policy: arn.apply((known) => JSON.stringify(tlsOnly(known))) },
        { ...opts, dependsOn },
    );
}

function expiryOfOldVersions(
    { name, opts }: Owner,
    { id: bucket }: aws.s3.Bucket,
    dependsOn: pulumi.Resource[],
): void {
    new aws.s3.BucketLifecycleConfiguration(
        `${name}-lifecycle`,
        {
            bucket,
            rules: [
                {
                    id: "old-versions",
                    status: "Enabled",
                    filter: {},
                    noncurrentVersionExpiration: { noncurrentDays: OLD_VERSION_DAYS },
                    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
                },
            ],
        },
        { ...opts, dependsOn },
    );
}

function programObject(
    { name, tags, opts }: Owner,
    { id: bucket }: aws.s3.Bucket,
    content: string,
    dependsOn: pulumi.Resource[],
): aws.s3.BucketObjectv2 {
    return new aws.s3.BucketObjectv2(
        `${name}-program`,
        { bucket, key: KEY, content, contentType: "text/javascript", tags },
        { ...opts, dependsOn },
    );
}

function rightToRead(
    { name, opts }: Owner,
    { arn }: aws.s3.Bucket,
    { role, kmsKeyArn }: HostVerifyArgs,
): void {
    new aws.iam.RolePolicy(
        `${name}-rights`,
        { role, policy: arn.apply((known) => JSON.stringify(readObject(known, kmsKeyArn))) },
        opts,
    );
}
