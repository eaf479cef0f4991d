import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { items, shown, Unknown } from "../engine/values";

const snapshotsPrivate = resourceRule({
    name: "rds-snapshots-private",
    displayName: "Snapshots stay in the account",
    description:
        "A snapshot is shared only with the accounts in the rule's setting accounts: it holds the whole trail, or every audited row.",
    severity: "critical",
    frameworks: [
        securityHub("RDS.1", "RDS snapshots should be private"),
        auditTrail("Nobody but DMS and the operator reaches the trail", "A copy for everybody"),
    ],
    remediationSteps:
        "Remove sharedAccounts; to allow an account of your own for backups, add it to the rule's setting accounts.",
    url: pages.hubRds,
    changedIn: programFiles.elsewhere,
    configSchema: {
        properties: {
            accounts: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Ids of the accounts that a snapshot may be shared with.",
            },
        },
    },
    types: [
        "aws:rds/clusterSnapshot:ClusterSnapshot",
        "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy",
        "aws:rds/snapshot:Snapshot",
        "aws:rds/snapshotCopy:SnapshotCopy",
    ],
    check: (snapshot, findings, { config }) => {
        const given = snapshot.get("sharedAccounts");
        const allowed = items(config.accounts).filter((account) => account !== "all");
        findings.require(
            given,
            (value) => value === undefined || Array.isArray(value),
            `sharedAccounts is ${typeof given}; remove it.`,
        );
        for (const account of items(given)) {
            findings.require(
                account,
                (value) => allowed.includes(value),
                `sharedAccounts holds ${account instanceof Unknown ? "an account" : shown(account)}; remove it.`,
            );
        }
    },
});

export const snapshotRules = [snapshotsPrivate] as const;
