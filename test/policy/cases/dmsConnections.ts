import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const ENDPOINT = "aws:dms/endpoint:Endpoint";
const REPLICATION = "aws:dms/replicationInstance:ReplicationInstance";
const TASK = "aws:dms/replicationTask:ReplicationTask";

/** Cases of the rules about DMS instances, endpoints and tasks. */
export const dmsCases: readonly ResourceCases[] = [
    {
        rule: "dms-instance-not-public",
        type: REPLICATION,
        pass: [{ publiclyAccessible: false }],
        fail: [{ publiclyAccessible: true }],
        absent: [[{ publiclyAccessible: undefined }, "refused"]],
        unknown: [[{ publiclyAccessible: UNKNOWN }, "undecided"]],
        wrongType: [{ publiclyAccessible: "false" }],
    },
    {
        rule: "dms-instance-engine-current",
        type: REPLICATION,
        pass: ["3.6.1", "3.6.2", "3.10.0", "4.0.0"].map((engineVersion) => ({ engineVersion })),
        fail: ["3.6.0", "3.5.4", "2.9.9", "latest", "3"].map((engineVersion) => ({
            engineVersion,
        })),
        absent: [[{ engineVersion: undefined }, "refused"]],
        unknown: [[{ engineVersion: UNKNOWN }, "undecided"]],
        wrongType: [{ engineVersion: 3.6 }, { engineVersion: ["3.6.1"] }],
    },
    {
        rule: "dms-endpoint-tls",
        type: ENDPOINT,
        pass: [{ certificateArn: "arn:aws:dms:eu-central-1:000000000000:cert:a" }],
        fail: [
            ...["none", "prefer", "require", "verify-ca"].map((sslMode) => ({ sslMode })),
            { certificateArn: "" },
        ],
        absent: [
            [{ sslMode: undefined }, "refused"],
            [{ certificateArn: undefined }, "refused"],
        ],
        unknown: [
            [{ sslMode: UNKNOWN }, "undecided"],
            [{ certificateArn: UNKNOWN }, "passed"],
        ],
        wrongType: [{ sslMode: true }, { certificateArn: 1 }],
    },
    {
        rule: "dms-endpoint-secret",
        type: ENDPOINT,
        pass: [
            {
                secretsManagerArn: "arn:aws:secretsmanager:eu-central-1:000000000000:secret:a",
                secretsManagerAccessRoleArn: "arn:aws:iam::000000000000:role/a",
                extraConnectionAttributes: "executeTimeout=120",
            },
        ],
        fail: [
            { password: "hunter2" },
            { username: "audit_trail_dms_source" },
            { password: UNKNOWN },
            { extraConnectionAttributes: "a=b;PASSWORD = hunter2" },
            { secretsManagerArn: "" },
        ],
        absent: [
            [{ secretsManagerArn: undefined }, "refused"],
            [{ secretsManagerAccessRoleArn: undefined }, "refused"],
        ],
        unknown: [
            [{ secretsManagerArn: UNKNOWN, secretsManagerAccessRoleArn: UNKNOWN }, "passed"],
            [{ extraConnectionAttributes: UNKNOWN }, "undecided"],
            [{ extraConnectionAttributes: UNKNOWN, username: "audit_trail_dms_source" }, "refused"],
        ],
        wrongType: [
            { secretsManagerArn: true },
            { secretsManagerAccessRoleArn: {} },
            { extraConnectionAttributes: 1 },
        ],
    },
    {
        rule: "dms-endpoint-runs-no-script",
        type: ENDPOINT,
        pass: [
            {},
            { endpointType: "target", postgresSettings: { executeTimeout: 600 } },
            { extraConnectionAttributes: "executeTimeout=120;captureDdls=false" },
            { extraConnectionAttributes: "heartbeatSchema=awsdms_heartbeat; slotName=script" },
        ],
        fail: [
            { postgresSettings: { afterConnectScript: "SET session_replication_role='replica'" } },
            { postgresSettings: { afterConnectScript: UNKNOWN } },
            { postgresSettings: { AfterConnectScript: "SELECT 1" } },
            { postgresSettings: { sessionReplicationRole: "replica" } },
            { endpointType: "target", postgresSettings: { afterConnectScript: "" } },
            {
                extraConnectionAttributes:
                    "afterConnectScript=SET session_replication_role='replica'",
            },
            { extraConnectionAttributes: "executeTimeout=60; AFTERCONNECTSCRIPT = SELECT 1" },
            { extraConnectionAttributes: "SessionReplicationRole=replica" },
            { extraConnectionAttributes: "a=b;beforeConnectScript=x" },
            { extraConnectionAttributes: "ConnSettings=SET row_security=off" },
            { extraConnectionAttributes: "options=-c session_replication_role=replica" },
            { extraConnectionAttributes: "a=-c session_replication_role=replica" },
        ],
        absent: [
            [{ postgresSettings: undefined, extraConnectionAttributes: undefined }, "passed"],
            [{ postgresSettings: {} }, "passed"],
        ],
        unknown: [
            [{ postgresSettings: UNKNOWN }, "undecided"],
            [{ extraConnectionAttributes: UNKNOWN }, "undecided"],
            [{ endpointType: UNKNOWN, postgresSettings: { afterConnectScript: "x" } }, "refused"],
            [{ postgresSettings: UNKNOWN, extraConnectionAttributes: "initSql=x" }, "refused"],
        ],
        wrongType: [
            { postgresSettings: "afterConnectScript" },
            { extraConnectionAttributes: ["afterConnectScript=x"] },
            { postgresSettings: { afterConnectScript: 1 } },
        ],
    },
    {
        rule: "dms-source-writes-no-ddl",
        type: ENDPOINT,
        pass: [
            { postgresSettings: { captureDdls: false } },
            { endpointType: "target", postgresSettings: undefined },
            { extraConnectionAttributes: "captureDdls=false;executeTimeout=60" },
        ],
        fail: [
            { postgresSettings: { captureDdls: true } },
            { extraConnectionAttributes: "captureDDLs=Y" },
            { extraConnectionAttributes: "a=b; CaptureDdls = true" },
        ],
        absent: [
            [{ postgresSettings: undefined }, "refused"],
            [{ postgresSettings: {} }, "refused"],
            [{ endpointType: undefined, postgresSettings: undefined }, "refused"],
        ],
        unknown: [
            [{ postgresSettings: UNKNOWN }, "undecided"],
            [{ postgresSettings: { captureDdls: UNKNOWN } }, "undecided"],
            [{ endpointType: UNKNOWN, postgresSettings: {} }, "undecided"],
            [
                { postgresSettings: { captureDdls: true }, extraConnectionAttributes: UNKNOWN },
                "refused",
            ],
        ],
        wrongType: [
            { postgresSettings: false },
            { postgresSettings: { captureDdls: "false" } },
            { extraConnectionAttributes: ["captureDdls=false"] },
        ],
    },
    {
        rule: "dms-source-fails-on-truncation",
        type: ENDPOINT,
        pass: [
            { postgresSettings: { failTasksOnLobTruncation: true } },
            { endpointType: "target", postgresSettings: undefined },
        ],
        fail: [{ postgresSettings: { failTasksOnLobTruncation: false } }],
        absent: [
            [{ postgresSettings: undefined }, "refused"],
            [{ postgresSettings: {} }, "refused"],
        ],
        unknown: [
            [{ postgresSettings: { failTasksOnLobTruncation: UNKNOWN } }, "undecided"],
            [{ endpointType: UNKNOWN }, "undecided"],
        ],
        wrongType: [
            { postgresSettings: true },
            { postgresSettings: { failTasksOnLobTruncation: "true" } },
        ],
    },
    {
        rule: "dms-task-captures-changes",
        type: TASK,
        pass: [{ migrationType: "full-load-and-cdc" }],
        fail: [
            { migrationType: "full-load" },
            { migrationType: "cdc" },
            { migrationType: "cdc", cdcStartTime: "2030-01-01T00:00:00Z" },
            { cdcStartTime: "2030-01-01T00:00:00Z" },
            { cdcStartTime: UNKNOWN },
            { cdcStartPosition: "0/0" },
        ],
        absent: [
            [{ migrationType: undefined }, "refused"],
            [{ cdcStartTime: undefined, cdcStartPosition: undefined }, "passed"],
        ],
        unknown: [[{ migrationType: UNKNOWN }, "undecided"]],
        wrongType: [{ migrationType: ["full-load-and-cdc"] }, { cdcStartTime: 0 }],
    },
    {
        rule: "dms-task-started",
        type: TASK,
        pass: [{ startReplicationTask: true }],
        fail: [{ startReplicationTask: false }],
        absent: [[{ startReplicationTask: undefined }, "refused"]],
        unknown: [[{ startReplicationTask: UNKNOWN }, "undecided"]],
        wrongType: [{ startReplicationTask: "true" }],
    },
];
