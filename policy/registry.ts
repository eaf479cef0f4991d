import { endpointRules } from "./dms/endpoint";
import { excludedColumnRules } from "./dms/excludedColumns";
import { instanceRules } from "./dms/instance";
import { knownEndpointSettingsRules } from "./dms/knownEndpointSettings";
import { knownMappingRules } from "./dms/knownMappingRules";
import { knownTaskSettingsRules } from "./dms/knownTaskSettings";
import { mappingRules } from "./dms/mapping";
import { settingsRules } from "./dms/settings";
import { taskRules } from "./dms/task";
import { ec2Rules } from "./ec2/instances";
import type { Rule } from "./engine/rule";
import { iamRules } from "./iam/identityPolicies";
import { knownInputRules } from "./inputs/knownInputs";
import { postgresqlRules } from "./postgresql/roles";
import { databaseRules } from "./rds/databases";
import { knownParameterRules } from "./rds/knownParameters";
import { parameterGroupRules } from "./rds/parameterGroups";
import { snapshotRules } from "./rds/snapshots";
import { bucketRules } from "./s3/buckets";
import { secretRules } from "./secretsmanager/secrets";
import { documentRules } from "./ssm/documents";
import { stackRules } from "./stack";
import { securityGroupRules } from "./vpc/securityGroups";

/** Every rule of the pack, in the order of the docs table. A new rule is added to its service's list. */
export const rules: readonly Rule[] = [
    ...parameterGroupRules,
    ...knownParameterRules,
    ...databaseRules,
    ...snapshotRules,
    ...instanceRules,
    ...endpointRules,
    ...knownEndpointSettingsRules,
    ...taskRules,
    ...settingsRules,
    ...knownTaskSettingsRules,
    ...mappingRules,
    ...knownMappingRules,
    ...securityGroupRules,
    ...ec2Rules,
    ...secretRules,
    ...documentRules,
    ...bucketRules,
    ...iamRules,
    ...postgresqlRules,
    ...knownInputRules,
    ...stackRules,
    ...excludedColumnRules,
];
