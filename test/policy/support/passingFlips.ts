import type { Flip } from "./flips";

/** Flips that no rule refuses, and why that is right. */
export interface PassingFlip {
    /** Types of the resources; absent: all. */
    readonly type?: RegExp;
    readonly paths: RegExp;
    /** Absent: every kind of flip. */
    readonly how?: readonly Flip["how"][];
    readonly reason: string;
}

const ABSENT: readonly Flip["how"][] = ["absent"];
const VALUE: readonly Flip["how"][] = ["dangerous"];
const EITHER: readonly Flip["how"][] = ["absent", "dangerous"];

/** All of them. A test fails for a flip that passes and is not in here, and for an entry that no flip needs. */
export const passing: readonly PassingFlip[] = [
    {
        paths: /^(tags(\..*)?|description|.*Description|name|namePrefix|.*Identifier|identifier|endpointId|certificateId|replicationInstanceId|replicationSubnetGroupId|replicationTaskId)$/,
        how: ["absent", "dangerous", "wrong type", "added"],
        reason: "A name or a label: nothing hangs on it but how people find the resource, and where a name is required its absence is refused.",
    },
    {
        paths: /^(applyImmediately|multiAz|pauseReplicationTasks|privateDnsEnabled|associatePublicIpAddress|copyTagsToSnapshot|userDataReplaceOnChange)$/,
        how: EITHER,
        reason: "Both positions are safe: it says when, how fast or how available, and security groups decide who gets in.",
    },
    {
        paths: /^(allocatedStorage|autoMinorVersionUpgrade|databaseName|dbName|storageType|caCertIdentifier|dbSubnetGroupName|enableDnsSupport|engineVersion|mapPublicIpOnLaunch|publiclyAccessible|recoveryWindowInDays|skipFinalSnapshot|vpcEndpointType)$/,
        how: ABSENT,
        reason: "The provider's default is safe.",
    },
    {
        paths: /^(ami|instanceType|availabilityZone|cidrBlock|backupRetentionPeriod|masterUsername|masterPassword|databaseName|username|password|dbName|kmsKeyId|kmsKeyArn|rootBlockDevice\.kmsKeyId)$/,
        how: VALUE,
        reason: "The operator's choice within what the rule or AWS allows, from the config.",
    },
    {
        paths: /^(vpcId|subnetId|subnetIds(\.\*)?|routeTableId|routeTableIds(\.\*)?|gatewayId|serviceName|securityGroupIds(\.\*)?|vpcSecurityGroupIds(\.\*)?|dbSubnetGroupName|dbClusterParameterGroupName|clusterIdentifier|certificateArn|secretsManagerAccessRoleArn|replicationInstanceArn|replicationSubnetGroupId|iamInstanceProfile|role|secretId|securityGroupId|referencedSecurityGroupId|destinationCidrBlock)$/,
        how: EITHER,
        reason: "An id of another stack: AWS refuses one that does not exist, and the rules about the stack refuse it for databases, their groups and what tasks use.",
    },
    {
        paths: /^replicationTaskSettings\./,
        how: EITHER,
        reason: "docs/known-settings.md calls the value, or DMS's default for the absent key, safe and says why; the cases of dms-task-settings-known hold the values that it refuses.",
    },
    {
        paths: /^replicationTaskSettings\.Logging\.LogComponents\.\*\.(Id|Severity)$/,
        how: ["wrong type"],
        reason: "A list of one text reads like the text, here and in JavaScript's String(); DMS refuses it.",
    },
    {
        paths: /^postgresSettings\.(executeTimeout|heartbeatFrequency)$/,
        how: EITHER,
        reason: "docs/known-settings.md calls the value, or DMS's default, safe.",
    },
    {
        paths: /^tableMappings\.rules\.\*\.(filters|rule-id|rule-name|data-type\.(length|precision))$/,
        reason: "Ids and names need only differ; an absent filter is none; a longer text and a number written as text are what the guide's examples have.",
    },
    {
        paths: /^(metadataOptions\.(\+|httpEndpoint|httpPutResponseHopLimit)|rootBlockDevice\.(\+|tags.*|volumeType)|userData)$/,
        reason: "What is left of these blocks says names, sizes and speed; a host without metadata or set-up is safe.",
    },
    {
        type: /^aws:iam\/(role|rolePolicy):/,
        paths: /^(assumeRolePolicy|policy)\.Statement(\.\*)?(\.(Action|Resource|Principal|Condition)(\.(\*|\+|Service|StringEquals.*))?)?$/,
        reason: "It allows less, names another resource in full, or writes one text as a list: rights that are wide, open-ended or for somebody who is not known are refused.",
    },
    {
        paths: /^retentionInDays$/,
        how: EITHER,
        reason: "Without it a log is kept for ever, and for a year at least with a value that is known.",
    },
    {
        type: /^aws:ssm\/document:/,
        paths: /^(content\.(description|\+|schemaVersion|inputs\.(\+|s3BucketName|s3KeyPrefix|s3EncryptionEnabled|cloudWatchLogGroupName|cloudWatchEncryptionEnabled|kmsKeyId|runAsEnabled|runAsDefaultUser|idleSessionTimeout))|documentFormat)$/,
        reason: "Systems Manager refuses a document that it cannot read; what is left says which log group it is, as whom and how long a session lasts.",
    },
    {
        type: /^aws:ssm\/parameter:/,
        paths: /^value(\..*)?$/,
        reason: "No secret is in it, which a rule of its own demands; the commands on the host say what they do not find there, and know a server by its certificate alone.",
    },
    {
        type: /^aws:s3\/bucket:/,
        paths: /^(bucketPrefix|forceDestroy)$/,
        how: EITHER,
        reason: "A name; and whether a destroy takes what the next update makes again.",
    },
    {
        type: /^aws:s3\/bucketObjectv2:/,
        paths: /^(bucket|key|content|contentType)$/,
        how: EITHER,
        reason: "Another place or another text: the host runs only what has the checksum of its parameter, and a bucket of the stack is closed by a rule of its own.",
    },
    {
        type: /^aws:s3\/bucketServerSideEncryptionConfiguration:/,
        paths: /^rules\.\*\.(bucketKeyEnabled|applyServerSideEncryptionByDefault\.kmsMasterKeyId)$/,
        how: EITHER,
        reason: "Another key of the operator's, which S3 refuses if there is none; how often S3 asks KMS says only what that costs.",
    },
    {
        type: /^aws:s3\/bucketPolicy:/,
        paths: /^policy\.Statement\.\*\.Action$/,
        how: ["wrong type"],
        reason: "A list of one text reads like the text.",
    },
    {
        type: /^aws:s3\/bucketLifecycleConfiguration:/,
        paths: /^rules\.\*\.(id|abortIncompleteMultipartUpload\.daysAfterInitiation|noncurrentVersionExpiration\.noncurrentDays)$/,
        how: VALUE,
        reason: "A name, and how long what nobody needs stays.",
    },
    {
        type: /[pP]arameterGroup/,
        paths: /^parameters\.\*(\.applyMethod)?$/,
        how: ABSENT,
        reason: "A parameter that is left out has the server's default; those that must be set have rules of their own.",
    },
    {
        type: /securityGroupEgressRule/,
        paths: /^(fromPort|toPort|cidrIpv4)$/,
        how: EITHER,
        reason: "What a host or DMS may call is not what may call a database; endpoints and secrets decide where rows go.",
    },
    {
        type: /securityGroupIngressRule/,
        paths: /^cidrIpv4$/,
        how: ABSENT,
        reason: "A rule without a source lets nobody in; AWS refuses it.",
    },
    {
        type: /secretVersion/,
        paths: /^secretString(\..*)?$/,
        reason: "A master secret is for people and nothing is made from it; that of an endpoint has to be made from the endpoint's cluster.",
    },
    {
        type: /^postgresql:/,
        paths: /^(body|database|schema|password|roles(\.\*)?)$/,
        how: EITHER,
        reason: "Another text, place or fewer rights of what the scripts make whole again; npm run verify compares functions, triggers and rights with the program's.",
    },
    {
        type: /^pulumi:providers:postgresql$/,
        paths: /./,
        reason: "Whether the engine shows a provider's settings to a pack is not documented; test/components/cluster/auroraCluster.spec.ts holds that the program connects with verify-full.",
    },
    {
        type: /^pulumi-nodejs:dynamic\//,
        paths: /./,
        reason: "The program's own SQL and catalog query: they are code, reviewed as code, and npm run verify compares what they leave behind.",
    },
];
