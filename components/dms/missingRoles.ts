import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
import { type StackState, typeOf } from "../stackState";

/** The roles that DMS looks for by their names, https://docs.aws.amazon.com/dms/latest/userguide/security-iam.html. */
export const DMS_ROLES = [
    {
        name: "dms-vpc-role",
        policy: "AmazonDMSVPCManagementRole",
        /** In the name that an earlier version of the program gave the resource, which others had as well. */
        formerLabel: "vpc",
    },
    {
        name: "dms-cloudwatch-logs-role",
        policy: "AmazonDMSCloudWatchLogsRole",
        formerLabel: "logs",
    },
] as const;

export type DmsRole = (typeof DMS_ROLES)[number];
export type RoleName = DmsRole["name"];

/** What {@link readAccountRoles} found. */
let ofTheAccount: readonly string[] = [];

/** The roles that the state has, which no update deletes. */
function madeRoles(state: StackState): RoleName[] {
    const made = [...state]
        .filter(([urn]) => typeOf(urn) === "aws:iam/role:Role")
        .map(([, resource]) => (resource as { outputs?: { name?: unknown } }).outputs?.name);
    return DMS_ROLES.map(({ name }) => name).filter((name) => made.includes(name));
}

/**
 * The roles that the stack has: those that it has made, also where it is not to make any now, and those that are missing in the
 * account, if it may make them.
 */
export function stackRoles(state: StackState, mayMake: boolean): RoleName[] {
    const made = madeRoles(state);
    const missing = DMS_ROLES.map(({ name }) => name).filter(
        (name) => !ofTheAccount.includes(name),
    );
    return mayMake ? [...new Set([...made, ...missing])] : made;
}

/**
 * Asks AWS which of the roles the account has, for {@link stackRoles}; not where the stack has made both. To be awaited before
 * resources are registered.
 *
 * @throws RunError when IAM does not answer
 */
export async function readAccountRoles(state: StackState): Promise<void> {
    if (madeRoles(state).length === DMS_ROLES.length) {
        return;
    }
    const names = DMS_ROLES.map(({ name }) => name).join("|");
    try {
        const found = await aws.iam.getRoles({ nameRegex: `^(${names})$` });
        ofTheAccount = found.names;
    } catch (error) {
        throw new pulumi.RunError(
            `Nobody knows whether the account has the roles of DMS already (${messageOf(error)}): allow iam:ListRoles, or, if it has both, run "pulumi config set createDmsRoles false".`,
        );
    }
}
