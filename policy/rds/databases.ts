import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { items, shown, Unknown } from "../engine/values";

const notPublic = resourceRule({
    name: "rds-not-public",
    displayName: "Databases have no public address",
    description:
        "A database instance is not publicly accessible: neither the source nor the trail needs the internet.",
    severity: "critical",
    frameworks: [
        securityHub("RDS.2", "RDS DB instances should prohibit public access"),
        auditTrail("Nobody but DMS and the operator reaches the trail", "Open to the internet"),
    ],
    remediationSteps: "Set publiclyAccessible to false or leave it out.",
    url: pages.hubRds,
    changedIn: programFiles.cluster,
    types: ["aws:rds/clusterInstance:ClusterInstance", "aws:rds/instance:Instance"],
    check: (instance, findings) => {
        const value = instance.get("publiclyAccessible");
        findings.require(
            value,
            (isPublic) => isPublic === undefined || isPublic === false,
            `publiclyAccessible is ${shown(value)}; set false or leave it out.`,
        );
    },
});

const storageEncrypted = resourceRule({
    name: "rds-storage-encrypted",
    displayName: "Databases are encrypted at rest",
    description:
        "Storage of a cluster or instance is encrypted; the default is clear text, and it cannot be changed later.",
    severity: "high",
    frameworks: [
        securityHub("RDS.27", "RDS DB clusters should be encrypted at rest"),
        securityHub("RDS.3", "RDS DB instances should have encryption at rest enabled"),
    ],
    remediationSteps: "Set storageEncrypted to true when the database is created.",
    url: pages.hubRds,
    changedIn: programFiles.cluster,
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    check: (database, findings) => {
        const value = database.get("storageEncrypted");
        findings.require(
            value,
            (encrypted) => encrypted === true,
            `storageEncrypted is ${shown(value)}; set true.`,
        );
    },
});

/** Days; what Security Hub asks for. */
const DEFAULT_MINIMUM_DAYS = 7;
/** Days; AWS keeps no automated backup longer. */
const MOST_DAYS = 35;

const backupRetention = resourceRule({
    name: "rds-backups-kept",
    displayName: "Backups are kept long enough",
    description:
        "Automated backups are kept for at least minimumDays (7): an append-only log that cannot be restored proves nothing.",
    severity: "medium",
    frameworks: [
        securityHub("RDS.50", "RDS DB clusters should have a sufficient backup retention period"),
        securityHub("RDS.11", "RDS instances should have automatic backups enabled"),
    ],
    remediationSteps: "Set backupRetentionPeriod to 7 days or more; the default is one day.",
    url: pages.hubRds,
    changedIn: "the config key audit-trail:backupRetentionDays",
    configSchema: {
        properties: {
            minimumDays: {
                type: "integer",
                minimum: 1,
                maximum: MOST_DAYS,
                default: DEFAULT_MINIMUM_DAYS,
                description: "Least number of days that backups are kept.",
            },
        },
    },
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    check: (database, findings, { config }) => {
        const minimum =
            typeof config.minimumDays === "number" ? config.minimumDays : DEFAULT_MINIMUM_DAYS;
        const value = database.get("backupRetentionPeriod");
        findings.require(
            value,
            (days) => typeof days === "number" && days >= minimum,
            `backupRetentionPeriod is ${shown(value)}; set ${minimum} to ${MOST_DAYS} days.`,
        );
    },
});

const logExports = resourceRule({
    name: "rds-logs-exported",
    displayName: "Server logs outlive the server",
    description:
        "The postgresql log goes to CloudWatch, where somebody who gets into the database cannot edit it.",
    severity: "medium",
    frameworks: [
        securityHub(
            "RDS.37",
            "Aurora PostgreSQL DB clusters should publish logs to CloudWatch Logs",
        ),
        securityHub("RDS.9", "RDS DB instances should publish logs to CloudWatch Logs"),
    ],
    remediationSteps: 'Put "postgresql" into enabledCloudwatchLogsExports.',
    url: pages.hubRds,
    changedIn: programFiles.cluster,
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    check: (database, findings) => {
        const exports = database.get("enabledCloudwatchLogsExports");
        if (items(exports).includes("postgresql")) {
            return;
        }
        const unknown = items(exports).find((name) => name instanceof Unknown);
        findings.require(
            unknown ?? exports,
            () => false,
            `enabledCloudwatchLogsExports is ${shown(exports)}; put "postgresql" into it.`,
        );
    },
});

export const databaseRules = [notPublic, storageEncrypted, backupRetention, logExports] as const;
