import type { Values } from "../../../policy/engine/values";
import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const CLUSTER = "aws:rds/cluster:Cluster";
const CLUSTER_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup";
const INSTANCE = "aws:rds/clusterInstance:ClusterInstance";

const parameters = (name: unknown, value: unknown, applyMethod = "pending-reboot"): Values => ({
    parameters: [{ name, value, applyMethod }],
});

const cases: readonly ResourceCases[] = [
    {
        rule: "rds-logical-replication-on",
        type: CLUSTER_GROUP,
        pass: [parameters("rds.logical_replication", "1"), parameters("log_statement", "ddl")],
        fail: [
            parameters("rds.logical_replication", "0"),
            parameters("rds.logical_replication", "1", "immediate"),
            { parameters: [{ name: "rds.logical_replication", value: "1" }] },
            { parameters: [{ name: "rds.logical_replication", applyMethod: "pending-reboot" }] },
        ],
        absent: [[{ parameters: undefined }, "passed"]],
        unknown: [
            [{ parameters: UNKNOWN }, "undecided"],
            [{ parameters: [UNKNOWN] }, "undecided"],
            [parameters(UNKNOWN, "0"), "undecided"],
            [parameters("rds.logical_replication", UNKNOWN), "undecided"],
            [parameters("rds.logical_replication", UNKNOWN, "immediate"), "refused"],
        ],
        wrongType: [
            { parameters: "rds.logical_replication=1" },
            { parameters: ["rds.logical_replication"] },
            parameters("rds.logical_replication", 1),
            parameters("rds.logical_replication", true),
        ],
    },
    {
        rule: "rds-logical-replication-on",
        type: "aws:rds/parameterGroup:ParameterGroup",
        base: { family: "postgres17" },
        pass: [parameters("rds.logical_replication", "1")],
        fail: [parameters("rds.logical_replication", "0")],
        absent: [[{}, "passed"]],
        unknown: [[{ parameters: UNKNOWN }, "undecided"]],
        wrongType: [{ parameters: 1 }],
    },
    ...([CLUSTER_GROUP, "aws:rds/parameterGroup:ParameterGroup"] as const).map(
        (type): ResourceCases => ({
            rule: "rds-parameters-known",
            type,
            base: { family: "aurora-postgresql17" },
            pass: [
                {},
                parameters("session_replication_role", "origin"),
                parameters("statement_timeout", "0", "immediate"),
                parameters("shared_preload_libraries", "pg_stat_statements, pgaudit"),
                parameters("max_replication_slots", "20"),
                parameters("idle_in_transaction_session_timeout", "86400000"),
                // Judged by rules of their own.
                parameters("rds.logical_replication", "0"),
                parameters("synchronous_commit", "off"),
            ],
            fail: [
                parameters("session_replication_role", "replica"),
                parameters("fsync", "off"),
                parameters("max_slot_wal_keep_size", "10"),
                parameters("max_replication_slots", "1"),
                parameters("statement_timeout", "1000"),
                parameters("idle_session_timeout", "1000"),
                parameters("idle_in_transaction_session_timeout", "1000"),
                parameters("ssl_min_protocol_version", "TLSv1"),
                parameters("password_encryption", "md5"),
                parameters("shared_preload_libraries", "pglogical"),
                parameters("default_transaction_read_only", "on"),
                parameters("autovacuum", "0"),
                parameters("constructor", "1"),
                parameters("a_parameter_of_next_year", "1"),
                { parameters: [{ value: "1" }] },
            ],
            absent: [
                [{ parameters: undefined }, "passed"],
                [{ parameters: [{ name: "fsync" }] }, "refused"],
                [{ parameters: [{ name: "work_mem" }] }, "refused"],
            ],
            unknown: [
                [{ parameters: UNKNOWN }, "undecided"],
                [{ parameters: [UNKNOWN] }, "undecided"],
                [parameters(UNKNOWN, "1"), "undecided"],
                [parameters("work_mem", UNKNOWN), "undecided"],
                [parameters("fsync", UNKNOWN), "refused"],
            ],
            wrongType: [
                { parameters: "fsync=off" },
                { parameters: ["fsync"] },
                parameters(1, "1"),
                parameters("work_mem", 4096),
            ],
        }),
    ),
    {
        rule: "rds-wal-sender-timeout",
        type: CLUSTER_GROUP,
        pass: ["0", "10000", "30000"].map((value) => parameters("wal_sender_timeout", value)),
        fail: ["1", "9999", "-1", "60s", "1e9", ""].map((value) =>
            parameters("wal_sender_timeout", value),
        ),
        absent: [
            [{ parameters: undefined }, "passed"],
            [{ parameters: [] }, "passed"],
        ],
        unknown: [[parameters("wal_sender_timeout", UNKNOWN), "undecided"]],
        wrongType: [parameters("wal_sender_timeout", 0), parameters("wal_sender_timeout", {})],
    },
    {
        rule: "rds-synchronous-commit-on",
        type: CLUSTER_GROUP,
        pass: [parameters("synchronous_commit", "on")],
        fail: [parameters("synchronous_commit", "off"), parameters("synchronous_commit", "local")],
        absent: [[{ parameters: undefined }, "passed"]],
        unknown: [[parameters("synchronous_commit", UNKNOWN), "undecided"]],
        wrongType: [parameters("synchronous_commit", true)],
    },
    {
        rule: "rds-tls-forced",
        type: CLUSTER_GROUP,
        pass: [
            parameters("rds.force_ssl", "1"),
            { family: "aurora-mysql8.0", parameters: undefined },
            { family: "aurora-postgresql16", ...parameters("rds.force_ssl", "1", "immediate") },
        ],
        fail: [
            parameters("rds.force_ssl", "0"),
            parameters("log_statement", "ddl"),
            { family: "postgres17", parameters: [] },
        ],
        absent: [[{ parameters: undefined }, "refused"]],
        unknown: [
            [{ parameters: UNKNOWN }, "undecided"],
            [{ parameters: [UNKNOWN] }, "undecided"],
            [parameters(UNKNOWN, "1"), "undecided"],
            [parameters("rds.force_ssl", UNKNOWN), "undecided"],
        ],
        wrongType: [{ parameters: "rds.force_ssl" }, parameters("rds.force_ssl", 1)],
    },
    {
        rule: "rds-not-public",
        type: INSTANCE,
        pass: [{ publiclyAccessible: false }],
        fail: [{ publiclyAccessible: true }],
        absent: [[{ publiclyAccessible: undefined }, "passed"]],
        unknown: [[{ publiclyAccessible: UNKNOWN }, "undecided"]],
        wrongType: [{ publiclyAccessible: "false" }, { publiclyAccessible: 0 }],
    },
    {
        rule: "rds-not-public",
        type: "aws:rds/instance:Instance",
        base: {},
        pass: [{ publiclyAccessible: false }],
        fail: [{ publiclyAccessible: true }],
        absent: [[{}, "passed"]],
        unknown: [[{ publiclyAccessible: UNKNOWN }, "undecided"]],
        wrongType: [{ publiclyAccessible: "no" }],
    },
    {
        rule: "rds-storage-encrypted",
        type: CLUSTER,
        pass: [{ storageEncrypted: true }],
        fail: [{ storageEncrypted: false }],
        absent: [[{ storageEncrypted: undefined }, "refused"]],
        unknown: [[{ storageEncrypted: UNKNOWN }, "undecided"]],
        wrongType: [{ storageEncrypted: "true" }, { storageEncrypted: 1 }],
    },
    {
        rule: "rds-backups-kept",
        type: CLUSTER,
        pass: [{ backupRetentionPeriod: 7 }, { backupRetentionPeriod: 35 }],
        fail: [{ backupRetentionPeriod: 6 }, { backupRetentionPeriod: 0 }],
        absent: [[{ backupRetentionPeriod: undefined }, "refused"]],
        unknown: [[{ backupRetentionPeriod: UNKNOWN }, "undecided"]],
        wrongType: [{ backupRetentionPeriod: "7" }, { backupRetentionPeriod: [7] }],
    },
    {
        rule: "rds-logs-exported",
        type: CLUSTER,
        pass: [{ enabledCloudwatchLogsExports: [UNKNOWN, "postgresql"] }],
        fail: [
            { enabledCloudwatchLogsExports: [] },
            { enabledCloudwatchLogsExports: ["instance"] },
        ],
        absent: [[{ enabledCloudwatchLogsExports: undefined }, "refused"]],
        unknown: [
            [{ enabledCloudwatchLogsExports: UNKNOWN }, "undecided"],
            [{ enabledCloudwatchLogsExports: ["instance", UNKNOWN] }, "undecided"],
        ],
        wrongType: [{ enabledCloudwatchLogsExports: "postgresql" }],
    },
];

/** The same cases for a second type with the same inputs. */
function alsoOn(type: string, base: Values, rules: readonly string[]): readonly ResourceCases[] {
    return cases
        .filter(({ rule }) => rules.includes(rule))
        .map((each) => ({ ...each, type, base }));
}

/** Cases of the rules about databases and their parameters. */
export const databaseCases: readonly ResourceCases[] = [
    ...cases,
    ...alsoOn("aws:rds/parameterGroup:ParameterGroup", { family: "postgres17" }, [
        "rds-wal-sender-timeout",
        "rds-synchronous-commit-on",
        "rds-tls-forced",
        "rds-parameters-known",
        "rds-logical-replication-on",
    ]),
    ...alsoOn(
        "aws:rds/instance:Instance",
        {
            storageEncrypted: true,
            backupRetentionPeriod: 7,
            enabledCloudwatchLogsExports: ["postgresql"],
        },
        ["rds-storage-encrypted", "rds-backups-kept", "rds-logs-exported"],
    ),
];
