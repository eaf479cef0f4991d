import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { regionBundle } from "../dms/caBundle";
import { trustService } from "../iamPolicies";
import { named, type Tags } from "../tags";
import { type HostBundle, hostUserData, imageParameter } from "./hostSetup";
import type { HostPlace } from "./trailNetwork";

/** Arguments of {@link PsqlHost}. */
export interface PsqlHostArgs {
    readonly place: HostPlace;
    readonly securityGroupId: pulumi.Input<string>;
    /** Whether a network may reach the host by SSH; otherwise it gets no public address. */
    readonly hasSsh: boolean;
    /** Whether the host keeps the image and the set-up that it was made with, or is replaced when these change. */
    readonly image: "pinned" | "latest";
    readonly instanceType: string;
    /** EC2 key pair for SSH; Session Manager works without one. */
    readonly keyName?: string | undefined;
    /** The versions of the servers. */
    readonly engineVersions: readonly string[];
    /** The certificate authorities of the servers that the stack makes, and of a source that has its own. */
    readonly caBundles: readonly HostBundle[];
    /** What its first boot and a session need beside the host itself: rules, endpoints. */
    readonly dependsOn: readonly pulumi.Resource[];
    /** A key of the customer's for the disk; undefined: the one that AWS manages. */
    readonly kmsKeyArn?: string | undefined;
    readonly tags: Tags;
}

/** The machine on which people run psql, and the way to the databases. It is reachable by Session Manager, or by SSH too. */
export class PsqlHost extends pulumi.ComponentResource {
    readonly instanceId: pulumi.Output<string>;
    /** Of the role that programs on the host act in. */
    readonly roleName: pulumi.Output<string>;
    /** The parameter of Systems Manager in which the commands on the host find the databases. */
    readonly parameterName: string;
    /** Empty where it has none. */
    readonly publicIp: pulumi.Output<string>;
    /** The public address, or the private one where there is no public one. */
    readonly address: pulumi.Output<string>;

    constructor(name: string, args: PsqlHostArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:PsqlHost", name, {}, opts);
        const parent = { parent: this };
        const partition = aws.getPartitionOutput({}, parent).partition;
        const image = aws.ssm.getParameterOutput(
            { name: imageParameter(args.instanceType) },
            parent,
        );
        const parameterName = `/${name}/databases`;
        const userData = aws.getRegionOutput({}, parent).region.apply((region) =>
            hostUserData({
                engineVersions: args.engineVersions,
                bundles: args.caBundles.map(({ file, pem }) => ({
                    file,
                    pem: regionBundle(pem, region),
                })),
                region,
                parameterName,
            }),
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
                associatePublicIpAddress: args.place.hasPublicAddress && args.hasSsh,
                keyName: args.keyName,
                iamInstanceProfile: profile.name,
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    httpPutResponseHopLimit: 1,
                },
                rootBlockDevice: {
                    encrypted: true,
                    kmsKeyId: args.kmsKeyArn,
                    volumeType: "gp3",
                    tags: args.tags,
                },
                userData,
                // A host runs it at its first boot alone: a running one would only be stopped for it.
                userDataReplaceOnChange: true,
                tags: named(name, args.tags),
            },
            {
                parent: this,
                ignoreChanges: args.image === "pinned" ? ["ami", "userData"] : [],
                dependsOn: [...args.dependsOn],
            },
        );
        this.instanceId = host.id;
        this.roleName = role.name;
        this.parameterName = parameterName;
        this.publicIp = host.publicIp;
        this.address = pulumi
            .all([host.publicIp, host.privateIp])
            .apply(([publicIp, privateIp]) => publicIp || privateIp);
        this.registerOutputs({ instanceId: this.instanceId, publicIp: this.publicIp });
    }
}
