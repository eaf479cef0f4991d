import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { jsonProblem } from "../validate";

export const ROLE = "aws:iam/role:Role";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";

function jsonChecked(property: string): (inputs: Props) => CheckFailure[] {
    return (inputs) => {
        const reason = jsonProblem(inputs[property]);
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
        replaceOn: ["name", "path"],
        check: jsonChecked("assumeRolePolicy"),
        create: (call, inputs) => ({
            arn: arn(call.account, "iam", `role${path(inputs)}${call.id}`),
            uniqueId: `AROA${hex(17).toUpperCase()}`,
            createDate: new Date().toISOString(),
        }),
    },
    "aws:iam/rolePolicy:RolePolicy": {
        makeId: (inputs) => `${mustText(inputs, "role")}:${mustText(inputs, "name")}`,
        autoName: "name",
        required: ["role", "policy"],
        replaceOn: ["role", "name"],
        check: jsonChecked("policy"),
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
            return {};
        },
    },
    "aws:iam/instanceProfile:InstanceProfile": {
        idFrom: "name",
        autoName: "name",
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
