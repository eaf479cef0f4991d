import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { readStatements, type Statement } from "../engine/policyDocument";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isValues } from "../engine/values";

const tlsOnly = resourceRule({
    name: "s3-buckets-tls",
    displayName: "A bucket lets nobody in without TLS",
    description:
        "A bucket's policy denies every request without TLS, and allows nothing: who may read or write is said by IAM, inside the account. The bucket holds the program that the psql host gives the databases' passwords to.",
    severity: "high",
    frameworks: [
        securityHub("S3.5", "S3 general purpose buckets should require requests to use SSL"),
        securityHub("S3.2", "S3 general purpose buckets should block public read access"),
        securityHub("S3.3", "S3 general purpose buckets should block public write access"),
        securityHub("S3.6", "Bucket policies should restrict access to other AWS accounts"),
        auditTrail("Only DMS and the operator get in", "A program of somebody else's"),
    ],
    remediationSteps:
        'Give the policy one statement: Deny, Principal "*", Action "s3:*", the bucket and its objects, Bool aws:SecureTransport "false".',
    url: pages.hubS3,
    changedIn: programFiles.hostVerify,
    types: ["aws:s3/bucketPolicy:BucketPolicy"],
    check: (bucket, findings) => {
        const text = bucket.get("policy");
        findings.require(
            text,
            (policy) => readStatements(policy)?.some(({ allows }) => allows) === false,
            "policy is no policy document, or allows something; leave that to IAM.",
        );
        findings.require(
            text,
            (policy) => readStatements(policy)?.some(isTlsOnly) === true,
            'policy does not deny every request without TLS; set Deny on "s3:*" for the bucket and its objects, with Bool aws:SecureTransport "false".',
        );
    },
});

/** True of a statement that denies everybody everything in a bucket without TLS. */
function isTlsOnly({
    allows,
    principals,
    actions,
    resources,
    condition,
    isOpenEnded,
}: Statement): boolean {
    const [bucket = "", objects] = resources;
    const bool = isValues(condition) && Object.keys(condition).join() === "Bool" && condition.Bool;
    return (
        !allows &&
        !isOpenEnded &&
        principals.join() === "*" &&
        actions.join() === "s3:*" &&
        resources.length === 2 &&
        objects === `${bucket}/*` &&
        isValues(bool) &&
        Object.keys(bool).join() === "aws:SecureTransport" &&
        bool["aws:SecureTransport"] === "false"
    );
}

export const bucketRules = [tlsOnly] as const;
