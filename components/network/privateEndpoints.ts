import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { named, type Tags } from "../tags";

/** Arguments of {@link PrivateEndpoints}. */
export interface PrivateEndpointsArgs {
    readonly vpcId: pulumi.Input<string>;
    /** Subnets that reach the replication instance's, each in a zone of its own. */
    readonly subnetIds: pulumi.Input<pulumi.Input<string>[]>;
    readonly securityGroupId: pulumi.Input<string>;
    /** The route table of the psql host, whose package repositories are in S3; undefined where it is not the stack's. */
    readonly publicRouteTableId: pulumi.Input<string> | undefined;
    /** Whether the psql host needs them too, because it has no public address. */
    readonly sessionManager: boolean;
    readonly tags: Tags;
}

/**
 * What the replication instance calls: its endpoints' secrets and its task log
 * (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_VPC_Endpoints.html).
 */
const DMS_SERVICES = ["secretsmanager", "logs"];

/**
 * What the agent on the psql host calls for sessions. Without ec2messages, which is for commands and only where ssmmessages
 * is not allowed: https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html.
 */
const SESSION_SERVICES = ["ssm", "ssmmessages"];

/** VPC endpoints through which machines without internet access reach AWS services. */
export class PrivateEndpoints extends pulumi.ComponentResource {
    constructor(name: string, args: PrivateEndpointsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:PrivateEndpoints", name, {}, opts);
        const parent = { parent: this };
        const region = aws.getRegionOutput({}, parent).region;
        const services = [...DMS_SERVICES, ...(args.sessionManager ? SESSION_SERVICES : [])];
        for (const service of services) {
            new aws.ec2.VpcEndpoint(
                `${name}-${service}`,
                {
                    vpcId: args.vpcId,
                    serviceName: pulumi.interpolate`com.amazonaws.${region}.${service}`,
                    vpcEndpointType: "Interface",
                    subnetIds: args.subnetIds,
                    securityGroupIds: [args.securityGroupId],
                    privateDnsEnabled: true,
                    tags: named(`${name}-${service}`, args.tags),
                },
                parent,
            );
        }
        if (args.publicRouteTableId !== undefined) {
            new aws.ec2.VpcEndpoint(
                `${name}-s3`,
                {
                    vpcId: args.vpcId,
                    serviceName: pulumi.interpolate`com.amazonaws.${region}.s3`,
                    vpcEndpointType: "Gateway",
                    routeTableIds: [args.publicRouteTableId],
                    tags: named(`${name}-s3`, args.tags),
                },
                parent,
            );
        }
        this.registerOutputs();
    }
}
