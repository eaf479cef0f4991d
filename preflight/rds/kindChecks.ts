import type { DBCluster, DBInstance } from "@aws-sdk/client-rds";
import type { Finding } from "../finding";
import type { RdsFacts } from "./rdsFacts";
import { RDS_PAGES as PAGES } from "./rdsPages";

/** The name of a resource in its ARN. */
function nameIn(arn: string | undefined): string {
    return arn?.split(":").at(-1) ?? "?";
}

/** Why this kind of database cannot be a source. */
export function kindFindings({ cluster, instance }: RdsFacts): Finding[] {
    return cluster === undefined ? instanceKind(instance) : clusterKind(cluster);
}

function clusterKind(cluster: DBCluster): Finding[] {
    const { DBClusterIdentifier: name = "?", Engine: engine = "unknown" } = cluster;
    const findings: Finding[] = [];
    const must = (check: string, found: string, wanted: string, mend: string): void => {
        findings.push({ check, severity: "must", found, wanted, mend, source: PAGES.cluster });
    };
    if (engine !== "aurora-postgresql") {
        must(
            "engine",
            `The cluster "${name}" has the engine ${engine}.`,
            "An Aurora PostgreSQL cluster.",
            "Name another cluster in source.auroraCluster.",
        );
    }
    if (cluster.EngineMode !== undefined && cluster.EngineMode !== "provisioned") {
        must(
            "engine mode",
            `The cluster "${name}" has the engine mode ${cluster.EngineMode}, in which there is no logical replication.`,
            "Provisioned instances or Serverless v2.",
            "Move the database to a cluster of provisioned instances or of Serverless v2.",
        );
    }
    if (cluster.ClusterScalabilityType === "limitless") {
        must(
            "limitless",
            `The cluster "${name}" is an Aurora Limitless Database.`,
            "A database whose changes are in one WAL: no guide of DMS names Limitless as a source.",
            "Take an Aurora cluster with the scalability type standard.",
        );
    }
    if (cluster.VPCNetworkingEnabled === false || (cluster.VpcSecurityGroups ?? []).length === 0) {
        must(
            "express configuration",
            `The cluster "${name}" is in no VPC, as with Aurora's express configuration.`,
            "A cluster in a VPC, where DMS can reach it.",
            "Restore a snapshot of it into a VPC, and name that cluster.",
        );
    }
    if ((cluster.ReplicationSourceIdentifier ?? "") !== "") {
        must(
            "replica",
            `The cluster "${name}" is a replica of "${nameIn(cluster.ReplicationSourceIdentifier)}".`,
            "The cluster that takes the writes.",
            `Name "${nameIn(cluster.ReplicationSourceIdentifier)}", or promote this one ("aws rds promote-read-replica-db-cluster").`,
        );
    }
    return findings;
}

function instanceKind(instance: DBInstance | undefined): Finding[] {
    const { DBInstanceIdentifier: name = "?", Engine: engine = "unknown" } = instance ?? {};
    const findings: Finding[] = [];
    if (engine !== "postgres") {
        findings.push({
            check: "engine",
            severity: "must",
            found: `The instance "${name}" has the engine ${engine}.`,
            wanted: "An instance of RDS for PostgreSQL.",
            mend:
                engine === "aurora-postgresql"
                    ? `Name its cluster "${instance?.DBClusterIdentifier ?? "?"}" in source.auroraCluster.`
                    : "Name another instance in source.rdsInstance.",
            source: PAGES.instance,
        });
    }
    const origin = instance?.ReadReplicaSourceDBInstanceIdentifier ?? "";
    if (origin !== "") {
        findings.push({
            check: "replica",
            severity: "must",
            found: `The instance "${name}" is a read replica of "${nameIn(origin)}", in which nothing can be created.`,
            wanted: "The instance that takes the writes.",
            mend: `Name "${nameIn(origin)}" in source.rdsInstance.`,
            source: PAGES.instance,
        });
    }
    return findings;
}
