import type * as pulumi from "@pulumi/pulumi";

/** Where the databases, DMS and the psql host live, whoever made it. */
export interface TrailNetwork extends pulumi.Resource {
    readonly vpcId: pulumi.Output<string>;
    /** In two zones or more: for the databases and DMS. */
    readonly privateSubnetIds: readonly pulumi.Output<string>[];
    /** Those of them that endpoints may be in: AWS takes one of each zone. */
    readonly endpointSubnetIds: pulumi.Input<pulumi.Input<string>[]>;
    /** Where the psql host goes; a network without it has no host. */
    readonly host: HostPlace | undefined;
    /** The host's route table, if it is the stack's own to change. */
    readonly publicRouteTableId: pulumi.Output<string> | undefined;
}

/** A subnet for the psql host. */
export interface HostPlace {
    readonly subnetId: pulumi.Output<string>;
    /** Whether the host gets a public address; undefined where the subnet's own setting decides. */
    readonly hasPublicAddress: boolean | undefined;
}
