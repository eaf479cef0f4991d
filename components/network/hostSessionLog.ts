import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { PolicyDocument } from "../iamPolicies";
import type { Owner } from "../owner";
import { named, type Tags } from "../tags";

/** Arguments of {@link HostSessionLog}. */
export interface HostSessionLogArgs {
    /** Name of the host's role: its agent writes the log. */
    readonly role: pulumi.Input<string>;
    /** A key of the customer's for the log; undefined: the one that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    readonly tags: Tags;
}

/** AWS Security Hub asks for a year (CloudWatch.16). */
const RETENTION_DAYS = 365;

/** Minutes after which a session that nobody uses ends. */
const IDLE_MINUTES = "20";

/**
 * What a session with this document is logged by: all that its terminal shows, while it lasts.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
 */
export function sessionDocument(logGroup: string, hasOwnKey: boolean): Readonly<object> {
    return {
        schemaVersion: "1.0",
        description: "A shell on the psql host, logged",
        sessionType: "Standard_Stream",
        inputs: {
            s3BucketName: "",
            s3KeyPrefix: "",
            s3EncryptionEnabled: true,
            cloudWatchLogGroupName: logGroup,
            // True asks for a log group with a key of the customer's, and no session begins without one.
            cloudWatchEncryptionEnabled: hasOwnKey,
            cloudWatchStreamingEnabled: true,
            kmsKeyId: "",
            runAsEnabled: false,
            runAsDefaultUser: "",
            idleSessionTimeout: IDLE_MINUTES,
        },
    };
}

/**
 * What the agent on the host needs to write a log:
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html.
 */
function writeLog(logGroupArn: string): PolicyDocument {
    const [arn, partition, service, region, account] = logGroupArn.split(":");
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                Resource: [logGroupArn, `${logGroupArn}:*`],
            },
            {
                Effect: "Allow",
                Action: ["logs:DescribeLogGroups"],
                Resource: [[arn, partition, service, region, account, "log-group", "*"].join(":")],
            },
        ],
    };
}

/** The command that starts a shell on an instance: with the log's document, or with the account's preferences. */
export function sessionCommand(
    instanceId: pulumi.Input<string>,
    region: pulumi.Input<string>,
    documentName?: pulumi.Input<string>,
): pulumi.Output<string> {
    const plain = pulumi.interpolate`aws ssm start-session --region ${region} --target ${instanceId}`;
    return documentName === undefined
        ? plain
        : pulumi.interpolate`${plain} --document-name ${documentName}`;
}

/**
 * A log of the sessions on the psql host that are started with the document of this component. Who starts a session chooses the
 * document, so people's rights have to leave them no other one (docs/aws.md). The preferences of the account and region, the
 * document SSM-SessionManagerRunShell, are not the stack's to change.
 */
export class HostSessionLog extends pulumi.ComponentResource {
    readonly documentName: pulumi.Output<string>;

    constructor(name: string, args: HostSessionLogArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:HostSessionLog", name, {}, opts);
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const logGroup = `/${name}`;

        const group = sessionLog(owner, args, logGroup);
        const rights = rightToWrite(owner, args, group);
        const content = sessionDocument(logGroup, args.kmsKeyArn !== undefined);
        const document = loggedSession(owner, content, [group, rights]);

        this.documentName = document.name;
        this.registerOutputs({ documentName: this.documentName });
    }
}

function sessionLog(
    { name, tags, opts }: Owner,
    { kmsKeyArn: kmsKeyId }: HostSessionLogArgs,
    logGroup: string,
): aws.cloudwatch.LogGroup {
    return new aws.cloudwatch.LogGroup(
        `${name}-log`,
        { name: logGroup, kmsKeyId, retentionInDays: RETENTION_DAYS, tags: named(name, tags) },
        opts,
    );
}

function rightToWrite(
    { name, opts }: Owner,
    { role }: HostSessionLogArgs,
    group: aws.cloudwatch.LogGroup,
): aws.iam.RolePolicy {
    const policy = group.arn.apply((arn) => JSON.stringify(writeLog(arn)));
    return new aws.iam.RolePolicy(`${name}-rights`, { role, policy }, opts);
}

function loggedSession(
    { name, tags, opts }: Owner,
    content: Readonly<object>,
    dependsOn: pulumi.Resource[],
): aws.ssm.Document {
    return new aws.ssm.Document(
        `${name}-document`,
        {
            name,
            documentType: "Session",
            documentFormat: "JSON",
            content: JSON.stringify(content),
            tags,
        },
        {
            ...opts,
            dependsOn,
            // AWS updates no document of this schema version: https://www.pulumi.com/registry/packages/aws/api-docs/ssm/document/.
            replaceOnChanges: ["content"],
            deleteBeforeReplace: true,
        },
    );
}
