import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { trustService } from "../iamPolicies";
import { named, type Tags } from "../tags";
import { hostUserData, imageParameter } from "./hostSetup";
import type { HostPlace } from "./trailNetwork";

/** Arguments of {@link PsqlHost}. */
export interface PsqlHostArgs {
    readonly place: HostPlace;
    readonly securityGroupId: pulumi.Input<string>;
    readonly instanceType: string;
    /** EC2 key pair for SSH; Session Manager works without one. */
    readonly keyName?: string | undefined;
    /** Its major version decides which psql is installed. */
    readonly engineVersion: string;
    /** Where to put the certificate authorities, relative to the login's home folder. */
    readonly caBundle: string;
    readonly tags: Tags;
}

/** The machine on which people run psql. It is reachable by SSH and Session Manager. */
export class PsqlHost extends pulumi.ComponentResource {
    readonly instanceId: pulumi.Output<string>;
    readonly publicIp: pulumi.Output<string>;

    constructor(name: string, args: PsqlHostArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:PsqlHost", name, {}, opts);
        const parent = { parent: this };
        const partition = aws.getPartitionOutput({}, parent).partition;
        const image = aws.ssm.getParameterOutput(
            { name: imageParameter(args.instanceType) },
            parent,
        );
        const role = new aws.iam.Role(
            `${name}-role`,
            {
                namePrefix: `${name}-`,
                description: "Lets Session Manager reach the psql host",
                assumeRolePolicy: JSON.stringify(trustService("ec2.amazonaws.com")),
                tags: args.tags,
            },
            parent,
        );
        const attachment = new aws.iam.RolePolicyAttachment(
            `${name}-session-manager`,
            {
                role: role.name,
                policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/AmazonSSMManagedInstanceCore`,
            },
            parent,
        );
        const profile = new aws.iam.InstanceProfile(
            `${name}-profile`,
            { namePrefix: `${name}-`, role: role.name, tags: args.tags },
            { parent: this, dependsOn: [attachment] },
        );
        const host = new aws.ec2.Instance(
            `${name}-instance`,
            {
                ami: image.value,
                instanceType: args.instanceType,
                subnetId: args.place.subnetId,
                vpcSecurityGroupIds: [args.securityGroupId],
                associatePublicIpAddress: args.place.hasPublicAddress,
                keyName: args.keyName,
                iamInstanceProfile: profile.name,
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    httpPutResponseHopLimit: 1,
                },
                rootBlockDevice: { encrypted: true, volumeType: "gp3", tags: args.tags },
                userData: hostUserData(args.engineVersion, args.caBundle),
                tags: named(name, args.tags),
            },
            // A newer image replaces the host only when somebody decides so.
            { parent: this, ignoreChanges: ["ami"] },
        );
        this.instanceId = host.id;
        this.publicIp = host.publicIp;
        this.registerOutputs({ instanceId: this.instanceId, publicIp: this.publicIp });
    }
}
