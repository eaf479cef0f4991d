import type { TableName } from "../trail/tableDefinition";
import * as access from "./accessParsers";
import { columnsOf } from "./columnParser";
import { databaseUsers } from "./databaseUsersParser";
import { groupsOf } from "./groupsParser";
import * as parsers from "./keyParsers";
import { resourceNames, someOf, tables } from "./listParsers";
import { network } from "./networkParser";
import { server } from "./serverParser";
import { existingSource, sourcePassword } from "./sourceParser";

/** One config key. Pulumi.yaml's schema, docs/config.md and the type of the settings are made from it. */
export interface ConfigKey<T> {
    /** The name under which the user sets it. */
    readonly key: string;
    /** The type and the rule of its value; where these need the audited tables, a function of them. */
    readonly parser:
        parsers.KeyParser<T> | ((audited: readonly TableName[]) => parsers.KeyParser<T>);
    /** What holds where nothing is set, as text; undefined where something must be set. */
    readonly default: string | undefined;
    /** One line of plain text without a full stop, which the CLI shows too. */
    readonly meaning: string;
    /** Where docs/config.md sends whoever wants to know more, relative to docs/. */
    readonly page?: string;
}

/** Keys that belong together: `config.<group>.<name>` in the program. */
export interface KeyGroup {
    /** Heading in docs/config.md. */
    readonly title: string;
    readonly keys: Readonly<Record<string, ConfigKey<unknown>>>;
}

/**
 * Every config key, once. `npm run docs` carries a change into Pulumi.yaml and docs/config.md. The defaults stand in both
 * Pulumi.yaml, where the CLI reads them, and here, because an inline program (laptop stack, tests) has no such schema.
 */
export const KEY_GROUPS = {
    trail: {
        title: "What is audited",
        keys: {
            tables: {
                key: "tables",
                parser: tables,
                default: undefined,
                meaning:
                    "Audited tables as schema.table, as written in the source; a name with a dot or a quote is double-quoted; a partitioned table means its partitions",
                page: "types.md#partitioned-tables",
            },
            columns: {
                key: "columns",
                parser: columnsOf,
                default: "{}",
                meaning:
                    "What to do with single columns, by table and column: exclude, asText or a limit; for what DMS cannot carry, and for secrets",
                page: "types.md#columns-with-a-choice",
            },
            groups: {
                key: "groups",
                parser: groupsOf,
                default: "{}",
                meaning:
                    "Tables that get a DMS task and a replication slot of their own, as lists by the name of their group; the others are in the group default",
                page: "tables.md#groups",
            },
        },
    },
    source: {
        title: "The source database",
        keys: {
            existing: {
                key: "source",
                parser: existingSource,
                default: "{}",
                meaning:
                    "The source, where it exists already: its auroraCluster, its rdsInstance or its host, with its databaseName and the secret of a login; without it a new Aurora cluster is made",
                page: "aws.md#bring-your-own-source",
            },
            password: {
                key: "sourcePassword",
                parser: sourcePassword,
                default: "",
                meaning:
                    "Password of the login of a source that is given by its host; set it with --secret",
                page: "aws.md#bring-your-own-source",
            },
            server: {
                key: "sourceServer",
                parser: server,
                default: "{}",
                meaning: "The server of a new source, with the fields of audit",
                page: "aws.md#the-servers",
            },
            demoTable: {
                key: "demoTable",
                parser: parsers.flag,
                default: "false",
                meaning:
                    "Create the table public.items in the source database to try the trail with",
            },
            guards: {
                key: "sourceGuards",
                parser: parsers.flag,
                default: "true",
                meaning:
                    "Refuse TRUNCATE and primary-key updates of the audited tables, which DMS would not replicate",
            },
            allowTruncate: {
                key: "allowTruncate",
                parser: someOf,
                default: "[]",
                meaning: "Audited tables whose TRUNCATE is recorded as a gap instead of refused",
            },
            allowKeyUpdates: {
                key: "allowKeyUpdates",
                parser: someOf,
                default: "[]",
                meaning:
                    "Audited tables whose primary-key updates are recorded as gaps instead of refused",
            },
            fullReplicaIdentity: {
                key: "fullReplicaIdentity",
                parser: someOf,
                default: "[]",
                meaning:
                    "Audited tables that get REPLICA IDENTITY FULL; the trail does not need it, and it costs WAL",
            },
        },
    },
    cluster: {
        title: "The source and the audit server",
        keys: {
            engineVersion: {
                key: "engineVersion",
                parser: parsers.engineVersion,
                default: "17.7",
                meaning: "PostgreSQL version of both servers, major 15 to 17",
            },
            instanceClass: {
                key: "instanceClass",
                parser: parsers.instanceClass("db", "db.t3.medium"),
                default: "db.r6g.large",
                meaning: "Instance class of both servers",
            },
            databaseName: {
                key: "databaseName",
                parser: parsers.databaseName,
                default: "appdb",
                meaning: "Name of the database on both servers",
            },
            masterUsername: {
                key: "masterUsername",
                parser: parsers.masterUsername,
                default: "postgres",
                meaning: "Master user of both servers; its password is generated",
            },
            backupRetentionDays: {
                key: "backupRetentionDays",
                parser: parsers.integer(7, 35),
                default: "7",
                meaning: "Days that automated backups are kept, 7 to 35",
            },
            caBundle: {
                key: "caBundle",
                parser: parsers.caBundle,
                default: "certs/rds-ca-bundle.pem",
                meaning:
                    "PEM file of the database servers' certificate authorities, relative to the project folder",
            },
        },
    },
    audit: {
        title: "The audit server",
        keys: {
            server: {
                key: "audit",
                parser: server,
                default: "{}",
                meaning:
                    "The server of the log: kind (aurora or rds), engineVersion, instanceClass, serverless (minCapacity, maxCapacity), multiAz, allocatedStorage and maxAllocatedStorage in GB, whenDestroyed (delete, snapshot or retain)",
                page: "aws.md#the-servers",
            },
            users: {
                key: "databaseUsers",
                parser: databaseUsers,
                default: "{}",
                meaning:
                    "People's logins at the audit server, each with its role (auditor or operator) and its authentication (iam or existing)",
                page: "aws.md#peoples-logins",
            },
        },
    },
    dms: {
        title: "DMS",
        keys: {
            instanceClass: {
                key: "dmsInstanceClass",
                parser: parsers.instanceClass("dms", "dms.t3.medium"),
                default: "dms.t3.medium",
                meaning: "Class of the DMS replication instance",
            },
            engineVersion: {
                key: "dmsEngineVersion",
                parser: parsers.dmsEngineVersion,
                default: "3.6.1",
                meaning: "DMS engine version, 3.6.1 or later",
            },
            allocatedStorage: {
                key: "dmsAllocatedStorage",
                parser: parsers.integer(5, 6_144),
                default: "50",
                meaning:
                    "Storage of the DMS replication instance in GB, for logs and swapped transactions",
            },
            maxLobSizeKb: {
                key: "maxLobSizeKb",
                parser: parsers.integer(1, 102_400),
                default: "64",
                meaning:
                    "Largest text, json, array or bytea value in KB that is copied whole; a larger one stops the task",
            },
            createRoles: {
                key: "createDmsRoles",
                parser: parsers.flag,
                default: "true",
                meaning:
                    "Create dms-vpc-role and dms-cloudwatch-logs-role, which an account has once, where the account lacks them; no update and no destroy deletes them",
                page: "aws.md#the-roles-of-dms",
            },
        },
    },
    network: {
        title: "The network",
        keys: {
            existing: {
                key: "network",
                parser: network,
                default: "{}",
                meaning:
                    "An existing network to use instead of a new one: vpcId, privateSubnetIds in two zones, for a psql host hostSubnetId, and allowedSecurityGroupIds that may connect to the databases",
                page: "aws.md#an-existing-network",
            },
            vpcCidr: {
                key: "vpcCidr",
                parser: parsers.vpcCidr,
                default: "10.20.0.0/16",
                meaning: "IPv4 network of the new VPC, /16 to /26",
            },
            privateEndpoints: {
                key: "privateEndpoints",
                parser: parsers.flag,
                default: "true",
                meaning:
                    "Create the VPC endpoints through which DMS reaches Secrets Manager and CloudWatch Logs, and a psql host without a public address Systems Manager; without them they need a way out of your own, such as a NAT",
            },
        },
    },
    access: {
        title: "The way to the databases",
        keys: {
            databaseAccess: {
                key: "databaseAccess",
                parser: access.databaseAccess,
                default: "auto",
                meaning:
                    "How this machine reaches the private databases: direct, ssm (Session Manager) or ssh through the psql host; auto is ssm in a new network and direct in an existing one",
                page: "aws.md#reaching-the-databases",
            },
            sshHost: {
                key: "sshHost",
                parser: access.sshHost,
                default: "",
                meaning:
                    "A machine of your own to go through with ssh instead of the psql host, as user@host or user@host:port",
                page: "aws.md#reaching-the-databases",
            },
            sshHostKey: {
                key: "sshHostKey",
                parser: access.sshHostKey,
                default: "",
                meaning:
                    "Public key of the machine that ssh goes through, as a line or as SHA256 fingerprint; no other is accepted",
                page: "aws.md#reaching-the-databases",
            },
        },
    },
    host: {
        title: "The psql host",
        keys: {
            wanted: {
                key: "psqlHost",
                parser: parsers.flag,
                default: "true",
                meaning:
                    "Make the psql host, on which people run psql and through which databaseAccess goes; without it a new network has no public subnet",
                page: "aws.md#the-psql-host",
            },
            image: {
                key: "hostImage",
                parser: access.hostImage,
                default: "pinned",
                meaning:
                    "The psql host's image and set-up: pinned keeps what it was made with; latest makes a new host when Amazon Linux or the set-up has changed",
                page: "aws.md#the-psql-host",
            },
            secrets: {
                key: "hostSecrets",
                parser: access.hostSecrets,
                default: "none",
                meaning:
                    "Which secrets the psql host reads, for psql-source, psql-audit and audit-verify: none, or master, which also makes the bucket of audit-verify; with master whoever gets a shell there can rewrite the log",
                page: "aws.md#the-psql-host",
            },
            sessionLog: {
                key: "hostSessionLog",
                parser: parsers.flag,
                default: "false",
                meaning:
                    "Make a Session Manager document whose sessions on the psql host are logged for a year; the output hostSession starts one",
                page: "aws.md#a-log-of-the-sessions",
            },
            sshCidr: {
                key: "sshCidr",
                parser: access.sshCidr,
                default: "",
                meaning:
                    "IPv4 network that may reach the psql host by SSH, at most a /8, for example your own address with /32; without one the host takes no connection and has no public address",
            },
            instanceType: {
                key: "hostInstanceType",
                parser: access.instanceType,
                default: "t3.medium",
                meaning: "Instance type of the psql host",
            },
            keyName: {
                key: "keyName",
                parser: access.keyName,
                default: "",
                meaning:
                    "EC2 key pair for SSH to the psql host; without one, connect through Session Manager",
            },
        },
    },
    stack: {
        title: "The stack",
        keys: {
            highAvailability: {
                key: "highAvailability",
                parser: parsers.flag,
                default: "false",
                meaning:
                    "A second instance in another zone for the source, the audit server and DMS, which takes over when the first one fails",
            },
            accountId: {
                key: "accountId",
                parser: parsers.accountId,
                default: "",
                meaning:
                    "AWS account of the stack; with credentials of another one nothing is made, whatever the command",
                page: "aws.md#the-right-account",
            },
            kmsKeyArn: {
                key: "kmsKeyArn",
                parser: parsers.kmsKeyArn,
                default: "",
                meaning:
                    "KMS key of your own for storage, snapshots, secrets, endpoints and logs; without one, AWS's own keys; another key replaces databases",
                page: "aws.md#a-key-of-your-own",
            },
            passwordVersion: {
                key: "passwordVersion",
                parser: parsers.integer(1, 1_000_000),
                default: "1",
                meaning:
                    "Another number gives every login that the program made a new password, and resumes the task with it",
                page: "aws.md#passwords",
            },
            deletionProtection: {
                key: "deletionProtection",
                parser: parsers.flag,
                default: "true",
                meaning:
                    "Refuse to destroy the stack and to delete or replace its clusters; set it to false and update first",
            },
            acknowledgeReplacement: {
                key: "acknowledgeReplacement",
                parser: resourceNames,
                default: "[]",
                meaning:
                    "Names or URNs of resources that an update may replace although that loses data; take each out once it was replaced",
                page: "changes.md#what-is-never-replaced-unasked",
            },
        },
    },
} satisfies Readonly<Record<string, KeyGroup>>;

type Groups = typeof KEY_GROUPS;

type ValueOf<K> = K extends Pick<ConfigKey<infer T>, "parser"> ? T : never;

/** The settings of one stack, read once and checked. */
export type Config = {
    readonly [G in keyof Groups]: {
        readonly [N in keyof Groups[G]["keys"]]: ValueOf<Groups[G]["keys"][N]>;
    };
};

/** The groups by name, without the types of the single values: for what is done to every key alike. */
export const configGroups: readonly (readonly [string, KeyGroup])[] = Object.entries(KEY_GROUPS);

/** Every config key, in the order of the table. */
export const configKeys: readonly ConfigKey<unknown>[] = configGroups.flatMap(([, { keys }]) =>
    Object.values(keys),
);

/** A key's parser, for a stack that audits these tables. */
export function parserOf<T>(
    { parser }: Pick<ConfigKey<T>, "parser">,
    audited: readonly TableName[],
): parsers.KeyParser<T> {
    return typeof parser === "function" ? parser(audited) : parser;
}
