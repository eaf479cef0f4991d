const USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide";
const AURORA_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide";
const API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference";

/** The pages that the checks of the API follow. */
export const RDS_PAGES = {
    applyStatus: `${API}/API_DBParameterGroupStatus.html`,
    blueGreen: `${USER_GUIDE}/blue-green-deployments-considerations.html`,
    globalDatabase: `${AURORA_GUIDE}/aurora-global-database.html`,
    managedSecret: `${USER_GUIDE}/rds-secrets-manager.html`,
    cluster: `${API}/API_DBCluster.html`,
    instance: `${API}/API_DBInstance.html`,
    majorUpgrade: `${AURORA_GUIDE}/USER_UpgradeDBInstance.PostgreSQL.html`,
} as const;
