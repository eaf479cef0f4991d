import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { keeping, type Owner } from "../owner";
import { named, type Tags } from "../tags";

/** Aurora PostgreSQL's default port, which the stack's clusters keep. */
const DATABASE_PORT = 5432;

const HTTPS_PORT = 443;
const SSH_PORT = 22;
const ANYWHERE = "0.0.0.0/0";

/** Arguments of {@link SecurityGroups}. */
export interface SecurityGroupsArgs {
    readonly vpcId: pulumi.Input<string>;
    /** The psql host, if there is one: the only network that may open SSH connections to it; nobody may where there is none. */
    readonly host: { readonly sshCidr: string | undefined } | undefined;
    /** Groups of others whose members may connect to the databases. */
    readonly allowedSecurityGroupIds: readonly string[];
    /** Whether DMS reaches AWS services through endpoints inside the VPC; otherwise through a way of your own, such as a NAT. */
    readonly privateEndpoints: boolean;
    /** A source that the stack did not make, and where it is. */
    readonly source?: ExistingSourceAccess | undefined;
    /** Whether the databases' group is kept when the stack is destroyed, because a server in it is. */
    readonly isKept: boolean;
    readonly tags: Tags;
}

/** How the psql host and DMS get to a source that the stack did not make. */
interface ExistingSourceAccess {
    readonly port: pulumi.Input<number>;
    /** A security group of the source, or else the network it is in. */
    readonly securityGroupId?: pulumi.Output<string>;
    readonly cidr?: string;
    /** Whether the config names the group as one to which rules may be added. */
    readonly mayAddRules: boolean;
}

/** A security group, and the word for it in the names of its rules. */
interface Group {
    readonly label: string;
    readonly id: pulumi.Output<string>;
}

/**
 * The security groups. The psql host, DMS and the groups that the config names may connect to the databases, at most one network may
 * connect to the host, and nothing else may connect. Every rule is a resource of its own: such rules and inline rules would undo each other.
 */
export class SecurityGroups extends pulumi.ComponentResource {
    /** The group of the psql host, if there is one. */
    readonly hostId: pulumi.Output<string> | undefined;
    readonly dmsId: pulumi.Output<string>;
    readonly databaseId: pulumi.Output<string>;
    /** The group of the VPC endpoints, if there are any. */
    readonly endpointsId: pulumi.Output<string> | undefined;

    constructor(name: string, args: SecurityGroupsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:SecurityGroups", name, {}, opts);
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const group = (label: string, description: string, of = owner): Group =>
            securityGroup(of, args.vpcId, label, description);

        const host = args.host && group("host", "The psql host");
        const dms = group("dms", "The DMS replication instance");
        const database = group(
            "database",
            "The source and the audit cluster",
            args.isKept ? keeping(owner) : owner,
        );
        const endpoints = args.privateEndpoints
            ? group("endpoints", "VPC endpoints of AWS services")
            : undefined;
        makeRules(owner, { host, dms, database, endpoints }, args);

        this.endpointsId = endpoints?.id;
        this.hostId = host?.id;
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

/** The groups, and so who there is to connect to whom. */
interface Groups {
    readonly host: Group | undefined;
    readonly dms: Group;
    readonly database: Group;
    readonly endpoints: Group | undefined;
}

function makeRules(
    owner: Owner,
    { host, dms, database, endpoints }: Groups,
    args: SecurityGroupsArgs,
): void {
    if (host !== undefined) {
        allowSsh(owner, host, args.host?.sshCidr);
        allowOut(owner, host, "Package repositories and Session Manager");
    }
    if (endpoints === undefined) {
        allowOut(owner, dms, "Secrets Manager and CloudWatch Logs");
    }
    for (const client of host === undefined ? [dms] : [host, dms]) {
        allow(owner, client, database, DATABASE_PORT);
        allowSource(owner, client, args.source);
        if (endpoints !== undefined) {
            // Inside the VPC the services' names lead to the endpoints, for the host as well.
            allow(owner, client, endpoints, HTTPS_PORT);
        }
    }
    allowStrangers(owner, database, args.allowedSecurityGroupIds);
}

function securityGroup(
    { name, tags, opts }: Owner,
    vpcId: pulumi.Input<string>,
    label: string,
    description: string,
): Group {
    const { id } = new aws.ec2.SecurityGroup(
        `${name}-${label}`,
        { vpcId, description, tags: named(`${name}-${label}`, tags) },
        opts,
    );
    return { label, id };
}

/** The part of a rule that says: TCP, this port alone. */
function port({ tags }: Owner, number: pulumi.Input<number>) {
    return { ipProtocol: "tcp", fromPort: number, toPort: number, tags };
}

/** Lets one group open connections to another: a rule at both ends. */
function allow(owner: Owner, from: Group, to: Group, number: pulumi.Input<number>): void {
    new aws.vpc.SecurityGroupEgressRule(
        `${owner.name}-${from.label}-to-${to.label}`,
        {
            securityGroupId: from.id,
            referencedSecurityGroupId: to.id,
            description: `To the ${to.label}`,
            ...port(owner, number),
        },
        owner.opts,
    );
    new aws.vpc.SecurityGroupIngressRule(
        `${owner.name}-${to.label}-from-${from.label}`,
        {
            securityGroupId: to.id,
            referencedSecurityGroupId: from.id,
            description: `From the ${from.label}`,
            ...port(owner, number),
        },
        owner.opts,
    );
}

/**
 * Lets one group open connections to a source that the stack did not make, if it has one. At the source's end a rule is added only where the
 * config says so: otherwise whoever has made the source lets this group in.
 */
function allowSource(owner: Owner, from: Group, source: ExistingSourceAccess | undefined): void {
    if (source === undefined) {
        return;
    }
    const { securityGroupId: id, cidr: cidrIpv4, port: number, mayAddRules } = source;
    if (id !== undefined && mayAddRules) {
        allow(owner, from, { label: "source", id }, number);
        return;
    }
    new aws.vpc.SecurityGroupEgressRule(
        `${owner.name}-${from.label}-to-source`,
        {
            securityGroupId: from.id,
            ...(id === undefined ? { cidrIpv4 } : { referencedSecurityGroupId: id }),
            description: "To the source",
            ...port(owner, number),
        },
        owner.opts,
    );
}

/** HTTPS to AWS's public addresses. */
function allowOut(owner: Owner, { label, id }: Group, description: string): void {
    new aws.vpc.SecurityGroupEgressRule(
        `${owner.name}-${label}-to-anywhere`,
        { securityGroupId: id, cidrIpv4: ANYWHERE, description, ...port(owner, HTTPS_PORT) },
        owner.opts,
    );
}

function allowSsh(owner: Owner, { id }: Group, cidrIpv4: string | undefined): void {
    if (cidrIpv4 === undefined) {
        return;
    }
    new aws.vpc.SecurityGroupIngressRule(
        `${owner.name}-host-ssh`,
        {
            securityGroupId: id,
            cidrIpv4,
            description: "SSH from the network of the operator",
            ...port(owner, SSH_PORT),
        },
        owner.opts,
    );
}

/** Lets the members of groups that others made connect to the databases; what these groups let out is theirs to say. */
function allowStrangers(owner: Owner, database: Group, groupIds: readonly string[]): void {
    for (const referencedSecurityGroupId of groupIds) {
        new aws.vpc.SecurityGroupIngressRule(
            `${owner.name}-database-from-${referencedSecurityGroupId}`,
            {
                securityGroupId: database.id,
                referencedSecurityGroupId,
                description: "From a group that the config names",
                ...port(owner, DATABASE_PORT),
            },
            owner.opts,
        );
    }
}
