import type { PolicyComplianceFramework } from "@pulumi/policy";

/** A control of the AWS Foundational Security Best Practices standard in AWS Security Hub. */
export function securityHub(control: string, title: string): PolicyComplianceFramework {
    return {
        name: "AWS Foundational Security Best Practices",
        version: "1.0.0",
        reference: control,
        specification: title,
    };
}

/** A demand that the AWS documentation of a service makes or explains. */
export function awsDocs(page: string, demand: string): PolicyComplianceFramework {
    return { name: "AWS documentation", version: "2026", reference: page, specification: demand };
}

/** A promise of the audit trail that only holds with the demanded setting. */
export function auditTrail(promise: string, consequence: string): PolicyComplianceFramework {
    return {
        name: "Audit trail",
        version: "0.1.0",
        reference: promise,
        specification: consequence,
    };
}

const DMS_GUIDE = "https://docs.aws.amazon.com/dms/latest/userguide";
const SECURITY_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide";

/** Pages that several rules point to. */
export const pages = {
    dmsPostgresqlSource: `${DMS_GUIDE}/CHAP_Source.PostgreSQL.html`,
    dmsPostgresqlTarget: `${DMS_GUIDE}/CHAP_Target.PostgreSQL.html`,
    dmsMappingExpressions: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Expressions.html`,
    dmsMappingSelections: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Selections.html`,
    dmsMappingTransformations: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Transformations.html`,
    dmsTaskSettings: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.html`,
    dmsTaskSettingsBase: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings`,
    dmsErrorHandling: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.ErrorHandling.html`,
    dmsTargetMetadata: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.TargetMetadata.html`,
    dmsFullLoad: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.FullLoad.html`,
    dmsDdlHandling: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.DDLHandling.html`,
    dmsLogging: `${DMS_GUIDE}/CHAP_Tasks.CustomizingTasks.TaskSettings.Logging.html`,
    dmsReleaseNotes: `${DMS_GUIDE}/CHAP_ReleaseNotes.html`,
    dmsSecrets: `${DMS_GUIDE}/security_iam_secretsmanager.html`,
    dmsTasks: `${DMS_GUIDE}/CHAP_Tasks.Creating.html`,
    hubDms: `${SECURITY_HUB}/dms-controls.html`,
    hubEc2: `${SECURITY_HUB}/ec2-controls.html`,
    hubIam: `${SECURITY_HUB}/iam-controls.html`,
    hubRds: `${SECURITY_HUB}/rds-controls.html`,
    hubS3: `${SECURITY_HUB}/s3-controls.html`,
    hubSecrets: `${SECURITY_HUB}/secretsmanager-controls.html`,
    registry: "https://www.pulumi.com/registry/packages/aws/api-docs/",
    replicationTask: "https://www.pulumi.com/registry/packages/aws/api-docs/dms/replicationtask/",
    ingressRule:
        "https://www.pulumi.com/registry/packages/aws/api-docs/vpc/securitygroupingressrule/",
    auroraParameterList:
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Reference.ParameterGroups.html",
    auroraParameters:
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html",
} as const;
