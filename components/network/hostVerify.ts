import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { PolicyDocument } from "../iamPolicies";
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
        const parent = { parent: this };
        const { kmsKeyArn, program, tags } = args;
        const made = new aws.s3.Bucket(
            `${name}-bucket`,
            {
                // Names of buckets are those of all accounts.
                bucketPrefix: `${name}-`,
                // It holds what the next update makes again, and versions that lifecycle has not removed yet.
                forceDestroy: true,
                tags: named(name, tags),
            },
            parent,
        );
        const bucket = made.id;
        const settings = [
            new aws.s3.BucketOwnershipControls(
                `${name}-ownership`,
                { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
                parent,
            ),
            new aws.s3.BucketVersioning(
                `${name}-versioning`,
                { bucket, versioningConfiguration: { status: "Enabled" } },
                parent,
            ),
            new aws.s3.BucketServerSideEncryptionConfiguration(
                `${name}-encryption`,
                {
                    bucket,
                    rules: [
                        {
                            applyServerSideEncryptionByDefault: {
                                sseAlgorithm: "aws:kms",
                                kmsMasterKeyId: kmsKeyArn,
                            },
                            bucketKeyEnabled: true,
                            // What S3 says of new buckets since March 2026, so that no second preview differs.
                            blockedEncryptionTypes: ["SSE-C"],
                        },
                    ],
                },
                parent,
            ),
        ];
        const block = new aws.s3.BucketPublicAccessBlock(
            `${name}-public-access`,
            {
                bucket,
                blockPublicAcls: true,
                blockPublicPolicy: true,
                ignorePublicAcls: true,
                restrictPublicBuckets: true,
            },
            parent,
        );
        const policy = new aws.s3.BucketPolicy(
            `${name}-policy`,
            { bucket, policy: made.arn.apply((arn) => JSON.stringify(tlsOnly(arn))) },
            // S3 refuses one of two changes at once: OperationAborted.
            { parent: this, dependsOn: [block] },
        );
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
            { parent: this, dependsOn: settings },
        );
        const object = new aws.s3.BucketObjectv2(
            `${name}-program`,
            { bucket, key: KEY, content: program.text, contentType: "text/javascript", tags },
            // Its first version is encrypted and has a number.
            { parent: this, dependsOn: [...settings, policy] },
        );
        new aws.iam.RolePolicy(
            `${name}-rights`,
            {
                role: args.role,
                policy: made.arn.apply((arn) => JSON.stringify(readObject(arn, kmsKeyArn))),
            },
            parent,
        );
        const { versionId } = object;
        this.place = { bucket, key: KEY, versionId, sha256: program.sha256 };
        this.registerOutputs();
    }
}
