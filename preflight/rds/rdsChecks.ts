import type { BlueGreenDeployment } from "@aws-sdk/client-rds";
import type { Finding } from "../finding";
import { kindFindings } from "./kindChecks";
import type { RdsFacts, RdsLogin } from "./rdsFacts";
import { RDS_PAGES as PAGES } from "./rdsPages";

/** Everything that RDS's API says against a source, or that somebody should know before a trail of it is deployed. */
export function rdsFindings(facts: RdsFacts, login: RdsLogin): Finding[] {
    return [
        ...kindFindings(facts),
        ...statusFindings(facts),
        ...parameterFindings(facts),
        ...blueGreenFindings(facts),
        ...globalFindings(facts),
        ...upgradeFindings(facts),
        ...secretFindings(facts, login),
    ];
}

function statusFindings({ cluster, instance }: RdsFacts): Finding[] {
    const all = [
        { what: "cluster", name: cluster?.DBClusterIdentifier, status: cluster?.Status },
        {
            what: "instance",
            name: instance?.DBInstanceIdentifier,
            status: instance?.DBInstanceStatus,
        },
    ];
    const findings = all.flatMap(({ what, name, status }): Finding[] =>
        name === undefined || status === undefined || status === "available"
            ? []
            : [
                  {
                      check: "status",
                      severity: "must",
                      found: `The ${what} "${name}" is ${status}.`,
                      wanted: `The ${what} is available.`,
                      mend: `Start it, or wait until "aws rds wait db-${what}-available --db-${what}-identifier ${name}" ends.`,
                      source: cluster === undefined ? PAGES.instance : PAGES.cluster,
                  },
              ],
    );
    if (cluster !== undefined && instance === undefined) {
        findings.push({
            check: "status",
            severity: "must",
            found: `The cluster "${cluster.DBClusterIdentifier ?? "?"}" has no writer.`,
            wanted: "A writer, on which DMS makes its slot.",
            mend: "Add an instance to the cluster.",
            source: PAGES.cluster,
        });
    }
    return findings;
}

/** What becomes of a parameter group whose values the server does not have yet. */
function parameterMend(status: string, instance: string): string {
    switch (status) {
        case "pending-reboot":
            return `Reboot the writer: "aws rds reboot-db-instance --db-instance-identifier ${instance}".`;
        case "pending-database-upgrade":
            return "Finish the upgrade of the instance.";
        case "failed-to-apply":
            return "Correct the values in the group, and reboot the writer.";
        default:
            return "Wait until the group is in-sync, and run the preflight again.";
    }
}

function parameterFindings({ cluster, instance }: RdsFacts): Finding[] {
    const writer = cluster?.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter);
    const groups = [
        {
            name: cluster?.DBClusterParameterGroup,
            status: writer?.DBClusterParameterGroupStatus,
        },
        ...(instance?.DBParameterGroups ?? []).map((group) => ({
            name: group.DBParameterGroupName,
            status: group.ParameterApplyStatus,
        })),
    ];
    return groups.flatMap(({ name, status }) =>
        status === undefined || status === "in-sync"
            ? []
            : [
                  {
                      check: "parameter group",
                      // Which of its values wait the API does not say; what the server has now is judged by itself.
                      severity: "should",
                      found: `The parameter group "${name ?? "?"}" of the writer is ${status}: the server does not have all of its values.`,
                      wanted: "The group is in-sync.",
                      mend: parameterMend(status, instance?.DBInstanceIdentifier ?? "?"),
                      source: PAGES.applyStatus,
                  },
              ],
    );
}

/** The finding for a question that was refused. Its answer stays unknown. */
function refused(check: string, reason: string, permission: string, source: string): Finding {
    return {
        check,
        severity: "should",
        found: `AWS did not say (${reason}).`,
        wanted: "The answer of the API.",
        mend: `Allow ${permission}, or look yourself.`,
        source,
    };
}

/** On neither side of a switchover is there a slot of DMS afterwards. */
function blueGreenFindings({ blueGreen }: RdsFacts): Finding[] {
    if ("refused" in blueGreen) {
        return [
            refused(
                "blue/green deployment",
                blueGreen.refused,
                "rds:DescribeBlueGreenDeployments",
                PAGES.blueGreen,
            ),
        ];
    }
    return blueGreen.found.filter(({ Status }) => Status !== "DELETING").map(blueGreenFinding);
}

function blueGreenFinding(deployment: BlueGreenDeployment): Finding {
    const { BlueGreenDeploymentIdentifier: id = "?", BlueGreenDeploymentName: name = id } =
        deployment;
    const { Status: status = "unknown" } = deployment;
    const isOver = status === "SWITCHOVER_COMPLETED";
    return {
        check: "blue/green deployment",
        severity: isOver ? "should" : "must",
        found: isOver
            ? `The source was in the blue/green deployment "${name}", whose switchover is complete.`
            : `The source is in the blue/green deployment "${name}" (${status}): a switchover puts another server under its address, which has no slot of DMS.`,
        wanted: "A source that is in no blue/green deployment.",
        mend: `${isOver ? "Make sure that the source is the server that takes the writes now, and delete" : "Finish or delete"} the deployment: "aws rds delete-blue-green-deployment --blue-green-deployment-identifier ${id}".`,
        source: PAGES.blueGreen,
    };
}

function globalFindings({ cluster, globalClusters }: RdsFacts): Finding[] {
    if (cluster === undefined) {
        return [];
    }
    if ("refused" in globalClusters) {
        return [
            refused(
                "global database",
                globalClusters.refused,
                "rds:DescribeGlobalClusters",
                PAGES.globalDatabase,
            ),
        ];
    }
    return globalClusters.found.flatMap((global): Finding[] => {
        const members = global.GlobalClusterMembers ?? [];
        const ours = members.find(({ DBClusterArn }) => DBClusterArn === cluster.DBClusterArn);
        if (ours === undefined) {
            return [];
        }
        const primary = members.find(({ IsWriter }) => IsWriter === true)?.DBClusterArn;
        const name = global.GlobalClusterIdentifier ?? "?";
        const isSecondary = ours.IsWriter !== true;
        return [
            {
                check: "global database",
                severity: isSecondary ? "must" : "note",
                found: isSecondary
                    ? `The cluster is a secondary of the global database "${name}", and takes no writes.`
                    : `The cluster is the primary of the global database "${name}": after a switchover another one is, and has no slot of DMS.`,
                wanted: "The primary cluster is the source.",
                mend: isSecondary
                    ? `Deploy in the primary's Region, with source.auroraCluster ${primary ?? ""}.`
                    : "After a switchover of the global database, deploy a trail of the new primary.",
                source: PAGES.globalDatabase,
            },
        ];
    });
}

function upgradeFindings({ cluster, instance }: RdsFacts): Finding[] {
    const version =
        cluster?.PendingModifiedValues?.EngineVersion ??
        instance?.PendingModifiedValues?.EngineVersion;
    return version === undefined
        ? []
        : [
              {
                  check: "pending upgrade",
                  severity: "should",
                  found: `An upgrade to the engine version ${version} waits for the maintenance window.`,
                  wanted: "No upgrade is pending when the trail is deployed: a logical slot makes the check before a major upgrade fail.",
                  mend: "Apply the upgrade first.",
                  source: PAGES.majorUpgrade,
              },
          ];
}

function secretFindings({ cluster, instance }: RdsFacts, { hasOwnSecret }: RdsLogin): Finding[] {
    const secret = cluster === undefined ? instance?.MasterUserSecret : cluster.MasterUserSecret;
    const finding = (
        severity: Finding["severity"],
        found: string,
        wanted: string,
        mend: string,
    ): Finding[] => [
        { check: "master secret", severity, found, wanted, mend, source: PAGES.managedSecret },
    ];
    if (hasOwnSecret) {
        return [];
    }
    const wanted = "A secret with username and password of the login that the program works with.";
    if (secret === undefined) {
        return finding(
            "must",
            "RDS manages no secret for the master user, and the config names none.",
            wanted,
            "Name a secret with username and password in source.credentialsSecretArn.",
        );
    }
    if (secret.SecretStatus !== "active") {
        return finding(
            "must",
            `The secret that RDS manages for the master user is ${secret.SecretStatus ?? "unknown"}.`,
            wanted,
            'Wait until it is active, or mend it as the page says; or name another in "source.credentialsSecretArn".',
        );
    }
    return finding(
        "note",
        "The program signs in with the secret that RDS manages for the master user. RDS rotates it, which the program and DMS do not notice: DMS has a login of its own.",
        wanted,
        "Nothing has to be done. Such a server can be in no blue/green deployment.",
    );
}
