import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { schemas } from "../../trail/rolesAndSchemas";
import type { DatabaseServer } from "../cluster/databaseServer";
import { named, type Tags } from "../tags";

/** How often DMS writes to an idle source so that its slot can move on, in minutes. */
const HEARTBEAT_MINUTES = 5;

/** How long a statement on the target may take, in seconds; a file of the full load is one COPY, and the trigger works on every row of it. */
const TARGET_TIMEOUT_SECONDS = 600;

/**
 * PostgreSQL settings of the source endpoint, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html:
 * - No DDL capture: it would need an event trigger and a table on the source; new columns are still seen in the changes.
 * - A heartbeat in a schema of its own: an idle database's slot would otherwise hold the WAL of the whole cluster.
 * - test_decoding: with pglogical, REPLICA IDENTITY FULL loses updates.
 * - A large object beyond the declared size stops the task instead of being cut.
 * - Booleans stay booleans, on both endpoints; the default is text.
 */
export const sourceSettings: aws.types.input.dms.EndpointPostgresSettings = {
    captureDdls: false,
    failTasksOnLobTruncation: true,
    heartbeatEnable: true,
    heartbeatFrequency: HEARTBEAT_MINUTES,
    heartbeatSchema: schemas.dmsHeartbeat,
    mapBooleanAsBoolean: true,
    pluginName: "test-decoding",
};

/** PostgreSQL settings of the target endpoint; no AfterConnectScript, which could switch the triggers off. */
export const targetSettings: aws.types.input.dms.EndpointPostgresSettings = {
    executeTimeout: TARGET_TIMEOUT_SECONDS,
    mapBooleanAsBoolean: true,
};

/** What an endpoint needs. */
export interface EndpointArgs {
    readonly engineName: DatabaseServer["dmsEngineName"];
    /** A secret with username, password, host and port. */
    readonly secretArn: pulumi.Input<string>;
    readonly databaseName: string;
    readonly type: "source" | "target";
    readonly settings: aws.types.input.dms.EndpointPostgresSettings;
    readonly accessRoleArn: pulumi.Input<string>;
    readonly certificateArn: pulumi.Input<string>;
    /** A key of the customer's; undefined: the one that AWS manages. */
    readonly kmsKeyArn?: string | undefined;
    readonly tags: Tags;
}

/** The inputs of a PostgreSQL endpoint: verified TLS, and a secret instead of a user and password. */
export function endpointInputs(endpointId: string, args: EndpointArgs): aws.dms.EndpointArgs {
    return {
        endpointId,
        endpointType: args.type,
        engineName: args.engineName,
        databaseName: args.databaseName,
        secretsManagerArn: args.secretArn,
        secretsManagerAccessRoleArn: args.accessRoleArn,
        sslMode: "verify-full",
        certificateArn: args.certificateArn,
        kmsKeyArn: args.kmsKeyArn,
        postgresSettings: args.settings,
        // AWS refuses to change the endpoint of a running task; the plugin stops and resumes it.
        pauseReplicationTasks: true,
        tags: named(endpointId, args.tags),
    };
}
