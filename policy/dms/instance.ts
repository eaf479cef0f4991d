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

/** The release that the program demands too (config/keyParsers.ts): 3.6.0 was the first to keep large objects. */
const leastEngine = [3, 6, 1] as const;

const engineVersion = resourceRule({
    name: "dms-instance-engine-current",
    displayName: "The DMS engine resumes without doubling",
    description:
        "engineVersion is 3.6.1 or later: engines before 3.6 leave large objects out under ApplyErrorUpdatePolicy UPDATE_RECORD, and engines before 3.5.4 replicate some transactions twice after a resume. Without a version the service chooses, and it may choose an older one.",
    severity: "high",
    frameworks: [
        awsDocs(
            "DMS release notes",
            "3.6.0: large objects under UPDATE_RECORD; 3.5.4: doubled transactions",
        ),
        auditTrail("No change is recorded twice", "Duplicates after every resume"),
    ],
    remediationSteps: "Set engineVersion to 3.6.1 or later.",
    url: pages.dmsReleaseNotes,
    changedIn: "the config key audit-trail:dmsEngineVersion",
    types: ["aws:dms/replicationInstance:ReplicationInstance"],
    check: (instance, findings) => {
        const value = instance.get("engineVersion");
        findings.require(
            value,
            isRecent,
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
