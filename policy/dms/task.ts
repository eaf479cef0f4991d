import { auditTrail, awsDocs, pages } from "../frameworks";
import { resourceRule } from "../rule";
import { shown } from "../values";

const capturingTypes: readonly unknown[] = ["cdc", "full-load-and-cdc"];

const capturesChanges = resourceRule({
    name: "dms-task-captures-changes",
    displayName: "The task captures changes",
    description:
        "A task's migrationType is cdc or full-load-and-cdc: a full load alone copies the tables once and then records nothing.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, creating a task", "cdc and full-load-and-cdc replicate changes"),
        auditTrail("Every change is recorded", "Only the first state is"),
    ],
    remediationSteps: "Set migrationType to full-load-and-cdc.",
    url: pages.dmsTasks,
    enforcementLevel: "mandatory",
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const value = task.get("migrationType");
        findings.require(
            value,
            (type) => capturingTypes.includes(type),
            `migrationType is ${shown(value)}; set "full-load-and-cdc".`,
        );
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
    enforcementLevel: "mandatory",
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
