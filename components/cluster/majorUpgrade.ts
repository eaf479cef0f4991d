import * as pulumi from "@pulumi/pulumi";
import { outputsOf, type StackState } from "../stackState";
import { majorVersion } from "./engineVersion";

const SERVERS = ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"];

/**
 * Ends the program where the config asks for another major version than a server runs. RDS would refuse it too, but halfway: other
 * resources have changed by then. It is not allowed there either, because a replication slot does not outlive it at the source.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.html
 *
 * @param resourceName the name of the cluster's or the instance's resource
 * @param wanted PostgreSQL's version by the config, for example "17.7"
 * @throws RunError in one sentence
 */
export function refuseMajorUpgrade(state: StackState, resourceName: string, wanted: string): void {
    const outputs = outputsOf(state, SERVERS, resourceName);
    // What it runs may be newer than what it was made with.
    const running = [outputs?.engineVersionActual, outputs?.engineVersion].find(
        (version) => typeof version === "string",
    );
    if (running !== undefined && majorVersion(running) !== majorVersion(wanted)) {
        throw new pulumi.RunError(
            `${resourceName} runs PostgreSQL ${running}, and the config asks for ${wanted}: the trail goes on over no change of the major version, because DMS's replication slot does not. Set a version of ${String(majorVersion(running))}; docs/changes.md#another-major-version-of-postgresql says how to get to another one.`,
        );
    }
}
