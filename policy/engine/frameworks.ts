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

const dmsGuide = "https://docs.aws.amazon.com/dms/latest/userguide";
const hub = "https://docs.aws.amazon.com/securityhub/latest/userguide";

/** Pages that several rules point to. */
export const pages = {
    dmsPostgresqlSource: `${dmsGuide}/CHAP_Source.PostgreSQL.html`,
    dmsPostgresqlTarget: `${dmsGuide}/CHAP_Target.PostgreSQL.html`,
    dmsMappingExpressions: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Expressions.html`,
    dmsMappingSelections: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Selections.html`,
    dmsMappingTransformations: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Transformations.html`,
    dmsTaskSettings: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.html`,
    dmsTaskSettingsBase: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings`,
    dmsErrorHandling: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.ErrorHandling.html`,
    dmsTargetMetadata: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.TargetMetadata.html`,
    dmsFullLoad: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.FullLoad.html`,
    dmsDdlHandling: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.DDLHandling.html`,
    dmsLogging: `${dmsGuide}/CHAP_Tasks.CustomizingTasks.TaskSettings.Logging.html`,
    dmsReleaseNotes: `${dmsGuide}/CHAP_ReleaseNotes.html`,
    dmsSecrets: `${dmsGuide}/security_iam_secretsmanager.html`,
    dmsTasks: `${dmsGuide}/CHAP_Tasks.Creating.html`,
    hubDms: `${hub}/dms-controls.html`,
    hubEc2: `${hub}/ec2-controls.html`,
    hubIam: `${hub}/iam-controls.html`,
    hubRds: `${hub}/rds-controls.html`,
    hubSecrets: `${hub}/secretsmanager-controls.html`,
    registry: "https://www.pulumi.com/registry/packages/aws/api-docs/",
    replicationTask: "https://www.pulumi.com/registry/packages/aws/api-docs/dms/replicationtask/",
    ingressRule:
        "https://www.pulumi.com/registry/packages/aws/api-docs/vpc/securitygroupingressrule/",
    auroraParameterList:
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Reference.ParameterGroups.html",
    auroraParameters:
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html",
} as const;
