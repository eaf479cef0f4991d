import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { shown } from "../engine/values";

const notPublic = resourceRule({
    name: "dms-instance-not-public",
    displayName: "The DMS instance has no public address",
    description:
        "A replication instance sets publiclyAccessible to false explicitly: it holds rows of both databases, and the setting cannot be changed later.",
    severity: "critical",
    frameworks: [
        securityHub(
            "DMS.1",
            "Database Migration Service replication instances should not be public",
        ),
    ],
    remediationSteps: "Set publiclyAccessible to false when the instance is created.",
    url: pages.hubDms,
    changedIn: programFiles.replication,
    enforcementLevel: "mandatory",
    types: ["aws:dms/replicationInstance:ReplicationInstance"],
    check: (instance, findings) => {
        const value = instance.get("publiclyAccessible");
        findings.require(
            value,
            (isPublic) => isPublic === false,
            `publiclyAccessible is ${shown(value)}; set false.`,
        );
    },
});

/** The first release that neither replicates transactions twice after a resume nor fails on PostgreSQL 17. */
const leastEngine = [3, 5, 4] as const;

const engineVersion = resourceRule({
    name: "dms-instance-engine-current",
    displayName: "The DMS engine resumes without doubling",
    description:
        "An explicit engineVersion is 3.5.4 or later: earlier engines replicate some transactions twice after a resume and do not read PostgreSQL 17.",
    severity: "high",
    frameworks: [
        awsDocs("DMS release notes", "3.5.4: fix for transactions that were replicated twice"),
        auditTrail("No change is recorded twice", "Duplicates after every resume"),
    ],
    remediationSteps: "Set engineVersion to 3.5.4 or later, or leave it out for the newest.",
    url: pages.dmsReleaseNotes,
    changedIn: "the config key audit-trail:dmsEngineVersion",
    enforcementLevel: "mandatory",
    types: ["aws:dms/replicationInstance:ReplicationInstance"],
    check: (instance, findings) => {
        const value = instance.get("engineVersion");
        findings.require(
            value,
            (version) => version === undefined || isRecent(version),
            `engineVersion is ${shown(value)}; set ${leastEngine.join(".")} or later.`,
        );
    },
});

function isRecent(version: unknown): boolean {
    if (typeof version !== "string" || !/^\d+(\.\d+){2,}$/.test(version)) {
        return false;
    }
    const parts = version.split(".").map(Number);
    for (const [index, least] of leastEngine.entries()) {
        const part = parts[index] ?? 0;
        if (part !== least) {
            return part > least;
        }
    }
    return true;
}

export const instanceRules = [notPublic, engineVersion] as const;
