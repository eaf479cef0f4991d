import { isDeepStrictEqual } from "node:util";
import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, texts, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { checkSecurityGroups, subnetsOf } from "./networkParts";

const PROFILE = "aws:iam/instanceProfile:InstanceProfile";

/** In bytes, before they are encoded: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html. */
const LARGEST_USER_DATA = 16_384;

function refusedInstance(inputs: Props): CheckFailure[] {
    const size = Buffer.byteLength(text(inputs, "userData") ?? "");
    return size > LARGEST_USER_DATA
        ? [
              {
                  property: "userData",
                  reason: `It has at most ${LARGEST_USER_DATA} bytes, not ${size}.`,
              },
          ]
        : [];
}

/** The parts of a disk with which the instance is another one. */
function diskOf(inputs: Props): readonly unknown[] {
    const { encrypted, kmsKeyId } = (inputs.rootBlockDevice ?? {}) as Props;
    return [encrypted, kmsKeyId];
}

async function checkProfile(call: Call, inputs: Props): Promise<void> {
    const profile = text(inputs, "iamInstanceProfile");
    if (profile !== undefined && (await call.store.get(PROFILE, profile)) === undefined) {
        throw new Error(
            `InvalidParameterValue: Invalid IAM Instance Profile name "${profile}": there is none of this name.`,
        );
    }
}

/** An instance of EC2. None runs here. */
export const instance: TypeBehaviour = {
    idPrefix: "i-",
    required: ["ami", "instanceType"],
    texts: {
        ami: { pattern: /^ami-[0-9a-f]+$/, reason: "It is written like ami-0123456789abcdef0." },
        instanceType: {
            pattern: /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
            reason: "It is written like t3.medium.",
        },
    },
    check: refusedInstance,
    // Other user data stops and starts the instance, which does not run it again, unless the program asks for a new one.
    replaceOn: (inputs, before) => [
        ...["ami", "subnetId", "keyName", "associatePublicIpAddress"],
        ...["availabilityZone", "hibernation", "placementGroup", "privateIp", "tenancy"],
        ...(inputs.userDataReplaceOnChange === true ? ["userData", "userDataBase64"] : []),
        ...(isDeepStrictEqual(diskOf(inputs), diskOf(before)) ? [] : ["rootBlockDevice"]),
    ],
    create: async (call, inputs) => {
        const [subnet] = await subnetsOf(call, [mustText(inputs, "subnetId")]);
        await checkSecurityGroups(
            call,
            texts(inputs, "vpcSecurityGroupIds"),
            mustText(subnet ?? {}, "vpcId"),
        );
        await checkProfile(call, inputs);
        return {
            arn: arn(call.account, "ec2", `instance/${call.id}`),
            instanceState: "running",
            privateIp: "10.0.0.10",
            // Nothing runs there: an address that is kept for documentation (RFC 5737). None is an empty text, as
            // in the plugin's state: an output that is missing would be unknown in every preview.
            ...(inputs.associatePublicIpAddress === false
                ? { publicIp: "", publicDns: "" }
                : {
                      publicIp: "203.0.113.10",
                      publicDns: "ec2-203-0-113-10.compute-1.amazonaws.com",
                  }),
            primaryNetworkInterfaceId: `eni-${hex(17)}`,
        };
    },
    update: async (call, _before, inputs) => {
        await checkProfile(call, inputs);
        return {};
    },
};
