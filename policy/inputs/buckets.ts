import { isText, isValues } from "../engine/values";
import {
    flag,
    type InputKind,
    type InputTable,
    judged,
    must,
    oneOf,
    only,
    tags,
    text,
} from "./kinds";

/** A list with one object whose fields pass, and no other fields. */
function oneWith(
    words: string,
    fields: Readonly<Record<string, (value: unknown) => boolean>>,
): InputKind {
    return {
        safe: (value) => Array.isArray(value) && value.length === 1 && hasOnly(value[0], fields),
        words,
        required: true,
        decides: true,
    };
}

/** An object whose fields pass, and no other fields. */
function hasOnly(
    value: unknown,
    fields: Readonly<Record<string, (value: unknown) => boolean>>,
): boolean {
    return (
        isValues(value) &&
        Object.keys(value).every((key) => key in fields) &&
        Object.entries(fields).every(([key, passes]) => passes(value[key]))
    );
}

/** An object with one field that has one value. */
const just = (key: string, word: string): InputKind => ({
    safe: (value) => hasOnly(value, { [key]: (given) => given === word }),
    words: `${key} ${JSON.stringify(word)} and nothing else`,
    required: true,
    decides: true,
});

const isDays = (value: unknown): boolean =>
    typeof value === "number" && Number.isInteger(value) && value >= 1;

/** A key of KMS, the customer's or, without one, AWS's own. */
const isKmsDefault = (value: unknown): boolean =>
    hasOnly(value, {
        sseAlgorithm: (word) => word === "aws:kms",
        kmsMasterKeyId: (key) => key === undefined || isText(key),
    });

const bucket = must(text);

/** Inputs of buckets and of what is in them. Everything else about a bucket is a resource of its own. */
export const bucketInputs: Readonly<Record<string, InputTable>> = {
    "aws:s3/bucket:Bucket": {
        bucket: text,
        bucketPrefix: text,
        forceDestroy: flag,
        region: text,
        tags,
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        bucket,
        region: text,
        rules: oneWith(
            "one enabled rule for all objects that removes old versions and begun uploads, and nothing else",
            {
                id: isText,
                status: (value) => value === "Enabled",
                filter: (value) => hasOnly(value, {}),
                noncurrentVersionExpiration: (value) => hasOnly(value, { noncurrentDays: isDays }),
                abortIncompleteMultipartUpload: (value) =>
                    hasOnly(value, { daysAfterInitiation: isDays }),
            },
        ),
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        bucket,
        content: must(text),
        contentType: text,
        key: must(text),
        region: text,
        serverSideEncryption: oneOf("aws:kms"),
        tags,
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
        bucket,
        region: text,
        rule: just("objectOwnership", "BucketOwnerEnforced"),
    },
    "aws:s3/bucketPolicy:BucketPolicy": {
        bucket,
        policy: judged("s3-buckets-tls"),
        region: text,
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
        blockPublicAcls: must(only(true)),
        blockPublicPolicy: must(only(true)),
        bucket,
        ignorePublicAcls: must(only(true)),
        region: text,
        restrictPublicBuckets: must(only(true)),
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        bucket,
        region: text,
        rules: oneWith('one rule with the algorithm "aws:kms" that blocks SSE-C', {
            applyServerSideEncryptionByDefault: isKmsDefault,
            blockedEncryptionTypes: (value) =>
                Array.isArray(value) && value.length === 1 && value[0] === "SSE-C",
            bucketKeyEnabled: (value) => value === undefined || typeof value === "boolean",
        }),
    },
    "aws:s3/bucketVersioning:BucketVersioning": {
        bucket,
        region: text,
        versioningConfiguration: just("status", "Enabled"),
    },
};
