import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TextRule, type TypeBehaviour } from "../behaviour";
import { refuseWhileUsed } from "../inUse";
import { type PolicyKind, policyProblem } from "../policyProblem";
import { hex } from "../recorder";

export const ROLE = "aws:iam/role:Role";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";

const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";

/** Names of IAM, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. */
function iamName(longest: number): TextRule {
    return {
        pattern: new RegExp(`^[\\w+=,.@-]{1,${longest}}$`),
        reason: `It has at most ${longest} letters, digits and the characters _+=,.@-.`,
    };
}

/** The policies of AWS that this project uses; of others nobody here knows whether they exist. */
const MANAGED_POLICIES: ReadonlySet<string> = new Set([
    "AmazonSSMManagedInstanceCore",
    "service-role/AmazonDMSCloudWatchLogsRole",
    "service-role/AmazonDMSVPCManagementRole",
]);

function policyChecked(property: string, kind: PolicyKind): (inputs: Props) => CheckFailure[] {
    return (inputs) => {
        const reason = policyProblem(inputs[property], kind);
        return reason === undefined ? [] : [{ property, reason }];
    };
}

/** Fails as AWS does when a role is missing; accepts the role's name as the resources give it. */
async function mustHaveRole(call: Call, role: string): Promise<void> {
    if ((await call.store.get(ROLE, role)) === undefined) {
        throw new Error(`NoSuchEntity: the role with name ${role} cannot be found.`);
    }
}

/** Whether a role exists, lets a service assume it and, where one is given, has a managed policy attached. */
export async function roleProblem(
    call: Call,
    roleArn: string,
    service: string,
    policyName?: string,
): Promise<string | undefined> {
    const role = await call.store.findBy(ROLE, "arn", roleArn);
    if (role === undefined) {
        return `the role ${roleArn} does not exist`;
    }
    if (!mustText(role.inputs, "assumeRolePolicy").includes(`"${service}"`)) {
        return `the role ${roleArn} does not trust ${service}`;
    }
    const attachments = await call.store.list(ATTACHMENT);
    const attached = attachments.some(
        ({ inputs }) =>
            inputs.role === role.id && text(inputs, "policyArn")?.endsWith(`/${policyName ?? ""}`),
    );
    return policyName === undefined || attached
        ? undefined
        : `the role ${roleArn} lacks the policy ${policyName}`;
}

const path = (inputs: Props): string => text(inputs, "path") ?? "/";

export const iamTypes: Readonly<Record<string, TypeBehaviour>> = {
    [ROLE]: {
        idFrom: "name",
        autoName: "name",
        required: ["assumeRolePolicy"],
        texts: {
            name: iamName(64),
            description: {
                pattern: /^[\t\n\r\u0020-\u007E\u00A1-\u00FF]{0,1000}$/,
                reason: "It has at most 1000 characters of Latin-1.",
            },
        },
        ranges: { maxSessionDuration: [3600, 43_200] },
        replaceOn: ["name", "path"],
        check: policyChecked("assumeRolePolicy", "trust"),
        create: async (call, inputs) => {
            const roles = await call.store.list(ROLE);
            if (roles.some(({ id }) => id.toLowerCase() === call.id.toLowerCase())) {
                throw new Error(
                    `EntityAlreadyExists: a role with the name "${call.id}" already exists, whatever its case: choose another name.`,
                );
            }
            return {
                arn: arn(call.account, "iam", `role${path(inputs)}${call.id}`),
                uniqueId: `AROA${hex(17).toUpperCase()}`,
                createDate: new Date().toISOString(),
            };
        },
        delete: async (call) => {
            await refuseWhileUsed(call, "DeleteConflict", [
                { type: ATTACHMENT, property: "role", value: call.id },
                { type: ROLE_POLICY, property: "role", value: call.id },
            ]);
        },
    },
    [ROLE_POLICY]: {
        makeId: (inputs) => `${mustText(inputs, "role")}:${mustText(inputs, "name")}`,
        autoName: "name",
        required: ["role", "policy"],
        texts: { name: iamName(128) },
        replaceOn: ["role", "name"],
        check: policyChecked("policy", "rights"),
        create: async (call, inputs) => {
            await mustHaveRole(call, mustText(inputs, "role"));
            return {};
        },
    },
    [ATTACHMENT]: {
        makeId: (inputs) => `${mustText(inputs, "role")}/${mustText(inputs, "policyArn")}`,
        required: ["role", "policyArn"],
        replaceOn: ["role", "policyArn"],
        create: async (call, inputs) => {
            const policyArn = mustText(inputs, "policyArn");
            await mustHaveRole(call, mustText(inputs, "role"));
            if (!/^arn:aws[\w-]*:iam::(aws|\d{12}):policy\/.+/.test(policyArn)) {
                throw new Error(`InvalidInput: "${policyArn}" is not the ARN of a policy.`);
            }
            const [, managed] = /^arn:aws[\w-]*:iam::aws:policy\/(.+)$/.exec(policyArn) ?? [];
            if (managed !== undefined && !MANAGED_POLICIES.has(managed)) {
                throw new Error(
                    `NoSuchEntity: the policy ${policyArn} does not exist or is not attachable; the local stack knows ${[...MANAGED_POLICIES].join(", ")}.`,
                );
            }
            return {};
        },
    },
    "aws:iam/instanceProfile:InstanceProfile": {
        idFrom: "name",
        autoName: "name",
        texts: { name: iamName(128) },
        replaceOn: ["name", "path"],
        create: async (call, inputs) => {
            const role = text(inputs, "role");
            if (role !== undefined) {
                await mustHaveRole(call, role);
            }
            return {
                arn: arn(call.account, "iam", `instance-profile${path(inputs)}${call.id}`),
                uniqueId: `AIPA${hex(17).toUpperCase()}`,
            };
        },
    },
};
