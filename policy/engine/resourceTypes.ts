import type { dms, ec2, iam, rds, s3, secretsmanager, ssm, vpc } from "@pulumi/aws";
import type { RoleArgs } from "@pulumi/postgresql";

/**
 * The resource types that rules read: type token to the arguments of the type's class. Only types are imported:
 * loading the classes would buy nothing, since the engine itself names a resource's type by its token.
 */
export interface ResourceArgs {
    "aws:dms/endpoint:Endpoint": dms.EndpointArgs;
    "aws:dms/replicationInstance:ReplicationInstance": dms.ReplicationInstanceArgs;
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": dms.ReplicationSubnetGroupArgs;
    "aws:dms/replicationTask:ReplicationTask": dms.ReplicationTaskArgs;
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ec2.DefaultSecurityGroupArgs;
    "aws:ec2/instance:Instance": ec2.InstanceArgs;
    "aws:ec2/launchTemplate:LaunchTemplate": ec2.LaunchTemplateArgs;
    "aws:ec2/route:Route": ec2.RouteArgs;
    "aws:ec2/routeTable:RouteTable": ec2.RouteTableArgs;
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ec2.RouteTableAssociationArgs;
    "aws:ec2/securityGroup:SecurityGroup": ec2.SecurityGroupArgs;
    "aws:ec2/securityGroupRule:SecurityGroupRule": ec2.SecurityGroupRuleArgs;
    "aws:ec2/subnet:Subnet": ec2.SubnetArgs;
    "aws:iam/groupPolicy:GroupPolicy": iam.GroupPolicyArgs;
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": iam.GroupPolicyAttachmentArgs;
    "aws:iam/instanceProfile:InstanceProfile": iam.InstanceProfileArgs;
    "aws:iam/policy:Policy": iam.PolicyArgs;
    "aws:iam/policyAttachment:PolicyAttachment": iam.PolicyAttachmentArgs;
    "aws:iam/role:Role": iam.RoleArgs;
    "aws:iam/rolePolicy:RolePolicy": iam.RolePolicyArgs;
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": iam.RolePolicyAttachmentArgs;
    "aws:iam/userPolicy:UserPolicy": iam.UserPolicyArgs;
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": iam.UserPolicyAttachmentArgs;
    "aws:rds/cluster:Cluster": rds.ClusterArgs;
    "aws:rds/clusterInstance:ClusterInstance": rds.ClusterInstanceArgs;
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": rds.ClusterParameterGroupArgs;
    "aws:rds/clusterSnapshot:ClusterSnapshot": rds.ClusterSnapshotArgs;
    "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy": rds.ClusterSnapshotCopyArgs;
    "aws:rds/instance:Instance": rds.InstanceArgs;
    "aws:rds/parameterGroup:ParameterGroup": rds.ParameterGroupArgs;
    "aws:rds/snapshot:Snapshot": rds.SnapshotArgs;
    "aws:rds/snapshotCopy:SnapshotCopy": rds.SnapshotCopyArgs;
    "aws:rds/subnetGroup:SubnetGroup": rds.SubnetGroupArgs;
    "aws:s3/bucket:Bucket": s3.BucketArgs;
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": s3.BucketLifecycleConfigurationArgs;
    "aws:s3/bucketObjectv2:BucketObjectv2": s3.BucketObjectv2Args;
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": s3.BucketOwnershipControlsArgs;
    "aws:s3/bucketPolicy:BucketPolicy": s3.BucketPolicyArgs;
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": s3.BucketPublicAccessBlockArgs;
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": s3.BucketServerSideEncryptionConfigurationArgs;
    "aws:s3/bucketVersioning:BucketVersioning": s3.BucketVersioningArgs;
    "aws:secretsmanager/secret:Secret": secretsmanager.SecretArgs;
    "aws:secretsmanager/secretPolicy:SecretPolicy": secretsmanager.SecretPolicyArgs;
    "aws:secretsmanager/secretVersion:SecretVersion": secretsmanager.SecretVersionArgs;
    "aws:ssm/document:Document": ssm.DocumentArgs;
    "aws:ssm/parameter:Parameter": ssm.ParameterArgs;
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": vpc.SecurityGroupIngressRuleArgs;
    "postgresql:index/role:Role": RoleArgs;
}

/** A type token, for example `aws:rds/cluster:Cluster`. */
export type ResourceType = keyof ResourceArgs;
