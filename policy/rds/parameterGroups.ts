import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isText, shown } from "../engine/values";
import { parametersNamed, requireLogicalReplication } from "./parameters";

const groups = [
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    "aws:rds/parameterGroup:ParameterGroup",
] as const;

const logicalReplication = resourceRule({
    name: "rds-logical-replication-on",
    displayName: "Logical replication is on",
    description:
        "A parameter group that names rds.logical_replication sets it to 1 with pending-reboot: without it DMS cannot read any change.",
    severity: "critical",
    frameworks: [
        awsDocs(
            "DMS user guide, PostgreSQL as a source",
            "rds.logical_replication is 1 on the source; static, needs a reboot",
        ),
        auditTrail("Every change is recorded", "No logical decoding, no change capture"),
    ],
    remediationSteps:
        'Give the group the parameter {name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot"} and restart the writer.',
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.parameters,
    types: groups,
    check: (group, findings) => {
        const parameters = group.get("parameters");
        const named = parametersNamed("rds.logical_replication", parameters, findings);
        for (const parameter of named.entries) {
            requireLogicalReplication(parameter, findings);
        }
    },
});

/** Milliseconds; the least that the DMS guide allows beside 0, which means no limit. */
const LEAST_WAL_SENDER_TIMEOUT = 10_000;

const walSenderTimeout = resourceRule({
    name: "rds-wal-sender-timeout",
    displayName: "WAL sender waits for DMS",
    description:
        "wal_sender_timeout is 0 or at least 10000 ms: a shorter one makes the server cut off a DMS task that is busy applying.",
    severity: "high",
    frameworks: [
        awsDocs(
            "DMS user guide, PostgreSQL as a source",
            "wal_sender_timeout is 0 or at least 10 seconds",
        ),
        auditTrail("The trail keeps up", "A cut connection stops the task"),
    ],
    remediationSteps:
        'Set wal_sender_timeout to "0" (no limit) or to "10000" or more milliseconds, or leave it out.',
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.parameters,
    types: groups,
    check: (group, findings) => {
        const parameters = group.get("parameters");
        const named = parametersNamed("wal_sender_timeout", parameters, findings);
        for (const { value } of named.entries) {
            findings.require(
                value,
                (timeout) =>
                    isText(timeout) &&
                    /^\d+$/.test(timeout) &&
                    (Number(timeout) === 0 || Number(timeout) >= LEAST_WAL_SENDER_TIMEOUT),
                `wal_sender_timeout is ${shown(value)}; set "0" or a number of milliseconds from "${LEAST_WAL_SENDER_TIMEOUT}" on.`,
            );
        }
    },
});

const synchronousCommit = resourceRule({
    name: "rds-synchronous-commit-on",
    displayName: "Commits are durable before they are read",
    description:
        "synchronous_commit stays on, as the DMS guide demands for change capture from Aurora: otherwise a commit that the source lost can be in the trail, or one that it kept can be missing.",
    severity: "high",
    frameworks: [
        awsDocs(
            "DMS user guide, PostgreSQL as a source",
            "synchronous_commit is on for CDC from Aurora PostgreSQL",
        ),
        auditTrail("Only what was committed is recorded", "Trail and table part after a failover"),
    ],
    remediationSteps: 'Set synchronous_commit to "on" or leave it out.',
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.parameters,
    types: groups,
    check: (group, findings) => {
        const parameters = group.get("parameters");
        const named = parametersNamed("synchronous_commit", parameters, findings);
        for (const { value } of named.entries) {
            findings.require(
                value,
                (setting) => setting === "on",
                `synchronous_commit is ${shown(value)}; set "on" or leave it out.`,
            );
        }
    },
});

const forceSsl = resourceRule({
    name: "rds-tls-forced",
    displayName: "Databases refuse clear-text connections",
    description:
        "A PostgreSQL parameter group sets rds.force_ssl to 1; its default differs between major versions, so the value must be given.",
    severity: "high",
    frameworks: [
        securityHub("RDS.38", "RDS for PostgreSQL DB instances should be encrypted in transit"),
        auditTrail("Nobody reads the trail on the wire", "Rows travel in clear text"),
    ],
    remediationSteps: 'Give the group the parameter {name: "rds.force_ssl", value: "1"}.',
    url: pages.auroraParameters,
    changedIn: programFiles.parameters,
    types: groups,
    check: (group, findings) => {
        const family = group.get("family");
        const postgresql = /^(aurora-postgresql|postgres)\d/;
        if (typeof family === "string" && !postgresql.test(family)) {
            return;
        }
        const named = parametersNamed("rds.force_ssl", group.get("parameters"), findings);
        if (named.complete && named.entries.length === 0) {
            findings.violation('parameters lacks rds.force_ssl; add it with the value "1".');
        }
        for (const { value } of named.entries) {
            findings.require(
                value,
                (setting) => setting === "1",
                `rds.force_ssl is ${shown(value)}; set "1".`,
            );
        }
    },
});

export const parameterGroupRules = [
    logicalReplication,
    walSenderTimeout,
    synchronousCommit,
    forceSsl,
] as const;
