import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { shown } from "../engine/values";

/** Inputs that let the capture of changes begin or end elsewhere than at the load. */
const limits = ["cdcStartTime", "cdcStartPosition"] as const;

const capturesChanges = resourceRule({
    name: "dms-task-captures-changes",
    displayName: "The task loads the tables and then captures every change",
    description:
        "A task's migrationType is full-load-and-cdc, and it has neither cdcStartTime nor cdcStartPosition: a full load alone records no change, and a capture without a full load has no baseline and begins at the position that somebody gave.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, creating a task", "cdc and full-load-and-cdc replicate changes"),
        auditTrail("Every change is recorded", "Only the first state is"),
    ],
    remediationSteps:
        "Set migrationType to full-load-and-cdc; remove cdcStartTime and cdcStartPosition.",
    url: pages.dmsTasks,
    changedIn: programFiles.replication,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const value = task.get("migrationType");
        findings.require(
            value,
            (type) => type === "full-load-and-cdc",
            `migrationType is ${shown(value)}; set "full-load-and-cdc".`,
        );
        for (const name of limits) {
            // A value that is not known yet is there all the same.
            if (task.has(name)) {
                findings.violation(
                    `${name} is given; remove it, so that the capture begins with the load.`,
                );
            }
        }
    },
});

const isStarted = resourceRule({
    name: "dms-task-started",
    displayName: "The task runs",
    description:
        "startReplicationTask is true: otherwise the task never starts, and every change of its settings leaves it stopped while the source's WAL piles up.",
    severity: "high",
    frameworks: [
        awsDocs(
            "Pulumi registry, aws.dms.ReplicationTask",
            "A changed task is started again only with startReplicationTask",
        ),
        auditTrail("Every change is recorded", "A stopped task records nothing"),
    ],
    remediationSteps: "Set startReplicationTask to true.",
    url: pages.replicationTask,
    changedIn: programFiles.replication,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const value = task.get("startReplicationTask");
        findings.require(
            value,
            (started) => started === true,
            `startReplicationTask is ${shown(value)}; set true.`,
        );
    },
});

export const taskRules = [capturesChanges, isStarted] as const;
