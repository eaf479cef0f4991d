import type { CheckFailure, Props } from "../../provider";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { isKnown, jsonProblem } from "../validate";

const BUCKET = "aws:s3/bucket:Bucket";
const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";
const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls";
const VERSIONING = "aws:s3/bucketVersioning:BucketVersioning";

/** The plugin puts 26 characters behind a prefix: internal/service/s3/bucket.go of hashicorp/terraform-provider-aws. */
const LONGEST_PREFIX = 37;

const LONGEST_NAME = 63;

/** Names that are not for buckets, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. */
const RESERVED =
    /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)$|^\d+\.\d+\.\d+\.\d+$/;

function nameProblem(name: string, longest: number): string | undefined {
    if (!/^[a-z0-9][a-z0-9.-]*$/.test(name) || name.includes("..") || name.length > longest) {
        return `must be at most ${String(longest)} lower-case letters, digits, dots and hyphens, and begin with a letter or digit`;
    }
    return RESERVED.test(name) ? "is reserved, or looks like an IP address" : undefined;
}

function bucketProblems(inputs: Props): CheckFailure[] {
    const prefix = text(inputs, "bucketPrefix");
    // Of a prefix the name is made.
    const [property, name] =
        prefix === undefined ? ["bucket", text(inputs, "bucket")] : ["bucketPrefix", prefix];
    if (name === undefined || !isKnown(name)) {
        return [];
    }
    const isWhole = prefix !== undefined || (name.length >= 3 && /[a-z0-9]$/.test(name));
    const reason = isWhole
        ? nameProblem(name, prefix === undefined ? LONGEST_NAME : LONGEST_PREFIX)
        : "must have 3 characters or more, and end with a letter or digit";
    return reason === undefined ? [] : [{ property, reason }];
}

async function mustHaveBucket(call: Call, inputs: Props): Promise<string> {
    const bucket = mustText(inputs, "bucket");
    if ((await call.store.get(BUCKET, bucket)) === undefined) {
        throw new Error(`NoSuchBucket: there is no bucket "${bucket}": give the id of one.`);
    }
    return bucket;
}

/** A setting of a bucket, of which each bucket has one. */
function setting(
    required: readonly string[],
    more: Pick<TypeBehaviour, "check"> & {
        readonly refuse?: (call: Call, inputs: Props) => Promise<void>;
    } = {},
): TypeBehaviour {
    const { check, refuse } = more;
    const accept = async (call: Call, inputs: Props): Promise<Props> => {
        await mustHaveBucket(call, inputs);
        await refuse?.(call, inputs);
        return {};
    };
    return {
        idFrom: "bucket",
        required: ["bucket", ...required],
        replaceOn: ["bucket"],
        ...(check === undefined ? {} : { check }),
        create: accept,
        update: (call, _before, inputs) => accept(call, inputs),
    };
}

/** True of a statement that lets in everybody whatever else it says. */
function isPublic(statement: unknown): boolean {
    const { Effect: effect, Principal: principal } = statement as Readonly<Record<string, unknown>>;
    return (
        effect === "Allow" && /^("\*"|\{"AWS":(\["\*"\]|"\*")\})$/.test(JSON.stringify(principal))
    );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html. */
async function refusePublicPolicy(call: Call, inputs: Props): Promise<void> {
    const block = await call.store.get(BLOCK, mustText(inputs, "bucket"));
    const { Statement: given } = JSON.parse(mustText(inputs, "policy")) as { Statement?: unknown };
    const statements: readonly unknown[] = Array.isArray(given) ? given : [given ?? {}];
    if (block?.inputs.blockPublicPolicy === true && statements.some(isPublic)) {
        throw new Error(
            `AccessDenied: the policy of "${block.id}" is public, and the bucket's block of public access forbids one: name who is let in.`,
        );
    }
}

/** Whether another version of an object gets a number of its own. */
async function nextVersion(call: Call, bucket: string): Promise<string> {
    const versioning = await call.store.get(VERSIONING, bucket);
    const how = versioning?.inputs.versioningConfiguration as { status?: string } | undefined;
    return how?.status === "Enabled" ? hex(32) : "null";
}

async function putObject(call: Call, inputs: Props): Promise<Props> {
    const bucket = await mustHaveBucket(call, inputs);
    const ownership = await call.store.get(OWNERSHIP, bucket);
    const rule = ownership?.inputs.rule as { objectOwnership?: string } | undefined;
    if (inputs.acl !== undefined && rule?.objectOwnership === "BucketOwnerEnforced") {
        throw new Error(
            `AccessControlListNotSupported: the bucket "${bucket}" takes no access lists: leave acl out.`,
        );
    }
    return {
        arn: `arn:aws:s3:::${bucket}/${mustText(inputs, "key")}`,
        versionId: await nextVersion(call, bucket),
    };
}

function objectProblems(inputs: Props): CheckFailure[] {
    const given = ["content", "contentBase64", "source"].filter(
        (name) => inputs[name] !== undefined,
    );
    return given.length === 1
        ? []
        : [{ property: "content", reason: "give one of content, contentBase64 and source" }];
}

function lifecycleProblems({ rules }: Props): CheckFailure[] {
    const list = (Array.isArray(rules) ? rules : []) as readonly Props[];
    const isWhole = ({ id, status }: Props): boolean =>
        typeof id === "string" && ["Enabled", "Disabled"].includes(String(status));
    return list.length > 0 && list.every(isWhole)
        ? []
        : [{ property: "rules", reason: "give a rule or more, each with an id and a status" }];
}

/** Buckets and what is in them. Nobody reads an object here: what is checked is what S3 refuses. */
export const bucketTypes: Readonly<Record<string, TypeBehaviour>> = {
    [BUCKET]: {
        idFrom: "bucket",
        autoName: "bucket",
        replaceOn: ["bucket", "bucketPrefix", "objectLockEnabled"],
        check: bucketProblems,
        create: (call) => ({
            arn: `arn:aws:s3:::${call.id}`,
            bucketDomainName: `${call.id}.s3.amazonaws.com`,
        }),
        delete: async (call, { inputs }) => {
            const objects = await call.store.list(OBJECT);
            if (
                inputs.forceDestroy !== true &&
                objects.some((one) => one.inputs.bucket === call.id)
            ) {
                throw new Error(
                    `BucketNotEmpty: the bucket "${call.id}" has objects: delete them first, or set forceDestroy.`,
                );
            }
        },
    },
    [OBJECT]: {
        makeId: (inputs) => `${mustText(inputs, "bucket")}/${mustText(inputs, "key")}`,
        required: ["bucket", "key"],
        replaceOn: ["bucket", "key"],
        check: objectProblems,
        create: putObject,
        update: async (call, before, inputs) =>
            before.inputs.content === inputs.content ? {} : await putObject(call, inputs),
    },
    [BLOCK]: setting([]),
    [OWNERSHIP]: setting(["rule"]),
    [VERSIONING]: setting(["versioningConfiguration"]),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": setting(["rules"], {
        check: lifecycleProblems,
    }),
    "aws:s3/bucketPolicy:BucketPolicy": setting(["policy"], {
        check: ({ policy }) => {
            const reason = jsonProblem(policy);
            return reason === undefined ? [] : [{ property: "policy", reason }];
        },
        refuse: refusePublicPolicy,
    }),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        setting(["rules"]),
};
