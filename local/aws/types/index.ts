import type { TypeBehaviour } from "../behaviour";
import { bucketTypes } from "./buckets";
import { dmsTypes } from "./dms";
import { dmsTaskTypes } from "./dmsTask";
import { iamTypes } from "./iam";
import { logTypes } from "./logs";
import { networkTypes } from "./network";
import { rdsTypes } from "./rds";
import { secretTypes } from "./secrets";
import { systemsManagerTypes } from "./systemsManager";

const types: Readonly<Record<string, TypeBehaviour>> = {
    ...bucketTypes,
    ...dmsTypes,
    ...dmsTaskTypes,
    ...iamTypes,
    ...logTypes,
    ...networkTypes,
    ...rdsTypes,
    ...secretTypes,
    ...systemsManagerTypes,
};

/** Types of which a record alone would pretend: on AWS they do something that nothing here does. */
const REFUSED_TYPES: ReadonlySet<string> = new Set([
    "aws:dms/replicationConfig:ReplicationConfig",
    "aws:lambda/function:Function",
    "aws:rds/globalCluster:GlobalCluster",
    "aws:rds/proxy:Proxy",
    "aws:secretsmanager/secretRotation:SecretRotation",
]);

/** The behaviour of a resource type; types without one are recorded and nothing more. */
export function behaviourOf(type: string): TypeBehaviour {
    if (!type.startsWith("aws:") || REFUSED_TYPES.has(type)) {
        throw new Error(
            `The laptop stack has no stand-in for ${type}: leave it out on the laptop, or deploy this program to AWS.`,
        );
    }
    return types[type] ?? {};
}
