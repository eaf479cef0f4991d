import type { dms, ec2, rds, secretsmanager, ssm, vpc } from "@pulumi/aws";

/**
 * The resource types that rules read: type token to the arguments of the type's class. Only types are imported:
 * loading the classes would buy nothing, since the engine itself names a resource's type by its token.
 */
export interface ResourceArgs {
    "aws:dms/endpoint:Endpoint": dms.EndpointArgs;
    "aws:dms/replicationInstance:ReplicationInstance": dms.ReplicationInstanceArgs;
    "aws:dms/replicationTask:ReplicationTask": dms.ReplicationTaskArgs;
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ec2.DefaultSecurityGroupArgs;
    "aws:ec2/instance:Instance": ec2.InstanceArgs;
    "aws:ec2/launchTemplate:LaunchTemplate": ec2.LaunchTemplateArgs;
    "aws:ec2/securityGroup:SecurityGroup": ec2.SecurityGroupArgs;
    "aws:ec2/securityGroupRule:SecurityGroupRule": ec2.SecurityGroupRuleArgs;
    "aws:rds/cluster:Cluster": rds.ClusterArgs;
    "aws:rds/clusterInstance:ClusterInstance": rds.ClusterInstanceArgs;
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": rds.ClusterParameterGroupArgs;
    "aws:rds/instance:Instance": rds.InstanceArgs;
    "aws:rds/parameterGroup:ParameterGroup": rds.ParameterGroupArgs;
    "aws:secretsmanager/secret:Secret": secretsmanager.SecretArgs;
    "aws:secretsmanager/secretPolicy:SecretPolicy": secretsmanager.SecretPolicyArgs;
    "aws:secretsmanager/secretVersion:SecretVersion": secretsmanager.SecretVersionArgs;
    "aws:ssm/parameter:Parameter": ssm.ParameterArgs;
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": vpc.SecurityGroupIngressRuleArgs;
}

/** A type token, for example `aws:rds/cluster:Cluster`. */
export type ResourceType = keyof ResourceArgs;
