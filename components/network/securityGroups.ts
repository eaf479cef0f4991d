import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { named, type Tags } from "../tags";

/** Aurora PostgreSQL's default port, which the clusters keep. */
const DATABASE_PORT = 5432;

const HTTPS_PORT = 443;
const SSH_PORT = 22;
const ANYWHERE = "0.0.0.0/0";

/** Arguments of {@link SecurityGroups}. */
export interface SecurityGroupsArgs {
    readonly vpcId: pulumi.Input<string>;
    /** The only network that may open SSH connections to the psql host. */
    readonly sshCidr: string;
    /** Whether DMS reaches AWS services through endpoints inside the VPC; otherwise through a way out of your own. */
    readonly privateEndpoints: boolean;
    readonly tags: Tags;
}

/**
 * Who may talk to whom: the psql host and DMS to the databases, one network to the host, nobody else. Every rule is a
 * resource of its own; mixed with inline rules the two would undo each other.
 */
export class SecurityGroups extends pulumi.ComponentResource {
    readonly hostId: pulumi.Output<string>;
    readonly dmsId: pulumi.Output<string>;
    readonly databaseId: pulumi.Output<string>;
    /** The group of the VPC endpoints, if there are any. */
    readonly endpointsId: pulumi.Output<string> | undefined;

    constructor(name: string, args: SecurityGroupsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:SecurityGroups", name, {}, opts);
        const parent = { parent: this };
        const group = (label: string, description: string): aws.ec2.SecurityGroup =>
            new aws.ec2.SecurityGroup(
                `${name}-${label}`,
                { vpcId: args.vpcId, description, tags: named(`${name}-${label}`, args.tags) },
                parent,
            );
        const port = (number: number) => ({
            ipProtocol: "tcp",
            fromPort: number,
            toPort: number,
            tags: args.tags,
        });
        /** Lets one group open connections to another: a rule at both ends. */
        const allow = (
            [fromLabel, from]: [string, aws.ec2.SecurityGroup],
            [toLabel, to]: [string, aws.ec2.SecurityGroup],
            number: number,
        ): void => {
            new aws.vpc.SecurityGroupEgressRule(
                `${name}-${fromLabel}-to-${toLabel}`,
                {
                    securityGroupId: from.id,
                    referencedSecurityGroupId: to.id,
                    description: `To the ${toLabel}`,
                    ...port(number),
                },
                parent,
            );
            new aws.vpc.SecurityGroupIngressRule(
                `${name}-${toLabel}-from-${fromLabel}`,
                {
                    securityGroupId: to.id,
                    referencedSecurityGroupId: from.id,
                    description: `From the ${fromLabel}`,
                    ...port(number),
                },
                parent,
            );
        };
        /** HTTPS to AWS's public addresses. */
        const allowOut = (
            label: string,
            from: aws.ec2.SecurityGroup,
            description: string,
        ): void => {
            new aws.vpc.SecurityGroupEgressRule(
                `${name}-${label}-to-anywhere`,
                {
                    securityGroupId: from.id,
                    cidrIpv4: ANYWHERE,
                    description,
                    ...port(HTTPS_PORT),
                },
                parent,
            );
        };

        const host = group("host", "The psql host");
        const dms = group("dms", "The DMS replication instance");
        const database = group("database", "The source and the audit cluster");
        new aws.vpc.SecurityGroupIngressRule(
            `${name}-host-ssh`,
            {
                securityGroupId: host.id,
                cidrIpv4: args.sshCidr,
                description: "SSH from the operator's network",
                ...port(SSH_PORT),
            },
            parent,
        );
        allowOut("host", host, "Package repositories and Session Manager");
        allow(["host", host], ["database", database], DATABASE_PORT);
        allow(["dms", dms], ["database", database], DATABASE_PORT);
        if (args.privateEndpoints) {
            const endpoints = group("endpoints", "VPC endpoints of AWS services");
            // Inside the VPC the services' names lead to the endpoints, for the host as well.
            allow(["host", host], ["endpoints", endpoints], HTTPS_PORT);
            allow(["dms", dms], ["endpoints", endpoints], HTTPS_PORT);
            this.endpointsId = endpoints.id;
        } else {
            allowOut("dms", dms, "Secrets Manager and CloudWatch Logs");
            this.endpointsId = undefined;
        }

        this.hostId = host.id;
        this.dmsId = dms.id;
        this.databaseId = database.id;
        this.registerOutputs({
            hostId: this.hostId,
            dmsId: this.dmsId,
            databaseId: this.databaseId,
            endpointsId: this.endpointsId,
        });
    }
}
