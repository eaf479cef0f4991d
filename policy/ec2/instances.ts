import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { holdsSecret } from "../engine/secretText";
import { isValues, items, shown } from "../engine/values";

const volumesEncrypted = resourceRule({
    name: "ec2-volumes-encrypted",
    displayName: "Volumes of hosts are encrypted",
    description:
        "The root volume and every further volume of a host are encrypted; query results and client history end up there.",
    severity: "high",
    frameworks: [
        securityHub("EC2.3", "Attached Amazon EBS volumes should be encrypted at-rest"),
        securityHub("EC2.7", "EBS default encryption should be enabled"),
    ],
    remediationSteps: "Set rootBlockDevice.encrypted and ebsBlockDevices[].encrypted to true.",
    url: pages.hubEc2,
    changedIn: programFiles.psqlHost,
    types: ["aws:ec2/instance:Instance"],
    check: (instance, findings) => {
        const root = instance.get("rootBlockDevice");
        const encrypted = isValues(root) ? root.encrypted : root;
        findings.require(
            encrypted,
            (value) => isValues(root) && value === true,
            `rootBlockDevice.encrypted is ${shown(isValues(root) ? root.encrypted : undefined)}; set true.`,
        );
        const volumes = instance.get("ebsBlockDevices");
        findings.require(
            volumes,
            (value) => value === undefined || Array.isArray(value),
            "ebsBlockDevices is not a list; give a list of volumes with encrypted set to true.",
        );
        for (const volume of items(volumes)) {
            findings.require(
                isValues(volume) ? volume.encrypted : volume,
                (value) => isValues(volume) && value === true,
                "ebsBlockDevices holds a volume whose encrypted is not true; set true.",
            );
        }
    },
});

const metadataV2 = resourceRule({
    name: "ec2-imdsv2-only",
    displayName: "Instance credentials need a session token",
    description:
        "A host answers metadata requests by IMDSv2 only and over one hop, so that a forged request cannot fetch its credentials.",
    severity: "high",
    frameworks: [
        securityHub(
            "EC2.8",
            "EC2 instances should use Instance Metadata Service Version 2 (IMDSv2)",
        ),
        securityHub("EC2.170", "EC2 launch templates should use IMDSv2"),
    ],
    remediationSteps:
        'Set metadataOptions.httpTokens to "required" and httpPutResponseHopLimit to 1.',
    url: pages.hubEc2,
    changedIn: programFiles.psqlHost,
    types: ["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"],
    check: (host, findings) => {
        const options = host.get("metadataOptions");
        if (!isValues(options)) {
            findings.require(
                options,
                () => false,
                'metadataOptions does not demand IMDSv2; set httpTokens to "required".',
            );
            return;
        }
        findings.require(
            options.httpTokens,
            (tokens) => tokens === "required",
            `metadataOptions.httpTokens is ${shown(options.httpTokens)}; set "required".`,
        );
        findings.require(
            options.httpPutResponseHopLimit,
            (hops) => hops === undefined || hops === 1,
            `metadataOptions.httpPutResponseHopLimit is ${shown(options.httpPutResponseHopLimit)}; set 1.`,
        );
    },
});

const userDataWithoutSecrets = resourceRule({
    name: "ec2-user-data-without-secrets",
    displayName: "User data holds no secret",
    description:
        "User data holds no password, key or token: everybody on the host can read it, and so can whoever reads the state.",
    severity: "critical",
    frameworks: [
        awsDocs(
            "EC2 user guide, user data",
            "User data is not protected; do not store secrets in it",
        ),
        auditTrail("Only the auditor and DMS get in", "A password that anybody on the host reads"),
    ],
    remediationSteps:
        "Store the secret in Secrets Manager and let the host read it with its instance profile when it needs it.",
    url: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    changedIn: "components/network/hostSetup.ts",
    types: ["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"],
    check: (host, findings) => {
        for (const name of ["userData", "userDataBase64"] as const) {
            findings.require(
                host.get(name),
                (text) => text === undefined || typeof text === "string",
                `${name} is not text; give a script.`,
            );
            findings.require(
                host.get(name),
                (text) => typeof text !== "string" || !scriptHoldsSecret(text),
                `${name} holds what looks like a secret; read it from Secrets Manager on the host instead.`,
            );
        }
    },
});

/** User data reaches AWS as Base64, and a program may give it in either form. */
function scriptHoldsSecret(text: string): boolean {
    return holdsSecret(text) || holdsSecret(Buffer.from(text, "base64").toString("utf8"));
}

export const ec2Rules = [volumesEncrypted, metadataV2, userDataWithoutSecrets] as const;
