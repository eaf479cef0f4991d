import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { regionBundle } from "../dms/caBundle";
import { trustService } from "../iamPolicies";
import type { Owner } from "../owner";
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
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const parameterName = `/${name}/databases`;

        const role = hostRole(owner);
        const profile = instanceProfile(owner, role, [sessionManagerRights(owner, role)]);
        const userData = firstBoot(owner, args, parameterName);
        const host = hostInstance(owner, args, profile, userData);

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

function hostRole({ name, tags, opts }: Owner): aws.iam.Role {
    return new aws.iam.Role(
        `${name}-role`,
        {
            namePrefix: `${name}-`,
            description: "Lets Session Manager reach the psql host",
            assumeRolePolicy: JSON.stringify(trustService("ec2.amazonaws.com")),
            tags,
        },
        opts,
    );
}

function sessionManagerRights(
    { name, opts }: Owner,
    role: aws.iam.Role,
): aws.iam.RolePolicyAttachment {
    const partition = aws.getPartitionOutput({}, opts).partition;
    return new aws.iam.RolePolicyAttachment(
        `${name}-session-manager`,
        {
            role: role.name,
            policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/AmazonSSMManagedInstanceCore`,
        },
        opts,
    );
}

function instanceProfile(
    { name, tags, opts }: Owner,
    role: aws.iam.Role,
    dependsOn: pulumi.Resource[],
): aws.iam.InstanceProfile {
    return new aws.iam.InstanceProfile(
        `${name}-profile`,
        { namePrefix: `${name}-`, role: role.name, tags },
        { ...opts, dependsOn },
    );
}

/** The user data: what the host sets up when it first boots. */
function firstBoot(
    { opts }: Owner,
    { engineVersions, caBundles }: PsqlHostArgs,
    parameterName: string,
): pulumi.Output<string> {
    return aws.getRegionOutput({}, opts).region.apply((region) => {
        const bundles = caBundles.map(({ file, pem }) => ({
            file,
            pem: regionBundle(pem, region),
        }));
        return hostUserData({ engineVersions, bundles, region, parameterName });
    });
}

function hostInstance(
    { name, tags, opts }: Owner,
    args: PsqlHostArgs,
    profile: aws.iam.InstanceProfile,
    userData: pulumi.Output<string>,
): aws.ec2.Instance {
    const { instanceType, keyName, place } = args;
    const image = aws.ssm.getParameterOutput({ name: imageParameter(instanceType) }, opts);
    const inputs: aws.ec2.InstanceArgs = {
        ami: image.value,
        instanceType,
        subnetId: place.subnetId,
        vpcSecurityGroupIds: [args.securityGroupId],
        associatePublicIpAddress: place.hasPublicAddress && args.hasSsh,
        keyName,
        iamInstanceProfile: profile.name,
        metadataOptions: {
            httpEndpoint: "enabled",
            httpTokens: "required",
            httpPutResponseHopLimit: 1,
        },
        rootBlockDevice: { encrypted: true, kmsKeyId: args.kmsKeyArn, volumeType: "gp3", tags },
        userData,
        // A host runs it at its first boot alone: a running one would only be stopped for it.
        userDataReplaceOnChange: true,
        tags: named(name, tags),
    };
    return new aws.ec2.Instance(`${name}-instance`, inputs, {
        ...opts,
        ignoreChanges: args.image === "pinned" ? ["ami", "userData"] : [],
        dependsOn: [...args.dependsOn],
    });
}
