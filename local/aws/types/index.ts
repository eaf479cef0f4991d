import type { TypeRule } from "../behaviour";
import { dmsRules } from "./dms";
import { dmsTaskRules } from "./dmsTask";
import { iamRules } from "./iam";
import { networkRules } from "./network";
import { otherRules } from "./other";
import { rdsRules } from "./rds";

const rules: Readonly<Record<string, TypeRule>> = {
    ...dmsRules,
    ...dmsTaskRules,
    ...iamRules,
    ...networkRules,
    ...otherRules,
    ...rdsRules,
};

/** Types that would have to do something here and do not: recording them would pretend. */
const NOT_PLAYED: ReadonlySet<string> = new Set([
    "aws:dms/replicationConfig:ReplicationConfig",
    "aws:lambda/function:Function",
    "aws:rds/globalCluster:GlobalCluster",
    "aws:rds/instance:Instance",
    "aws:rds/proxy:Proxy",
    "aws:secretsmanager/secretRotation:SecretRotation",
]);

/** The rule of a resource type; types without one are recorded and nothing more. */
export function ruleOf(type: string): TypeRule {
    if (!type.startsWith("aws:") || NOT_PLAYED.has(type)) {
        throw new Error(
            `The local stack cannot play ${type}: leave it out on the laptop, or deploy this program to AWS.`,
        );
    }
    return rules[type] ?? {};
}
