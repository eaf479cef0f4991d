import type {
    BlueGreenDeployment,
    DBCluster,
    DBInstance,
    GlobalCluster,
} from "@aws-sdk/client-rds";

/** What AWS answered to a question that not everybody who deploys may ask: the answers, or why there are none. */
export type Asked<T> = { readonly found: readonly T[] } | { readonly refused: string };

/** What RDS's API says of a source, in the API's own words. */
export interface RdsFacts {
    /** Undefined of an instance of RDS for PostgreSQL. */
    readonly cluster: DBCluster | undefined;
    /** The instance, or of a cluster its writer; undefined where the cluster has none. */
    readonly instance: DBInstance | undefined;
    /** The blue/green deployments that the source is in, on either side. */
    readonly blueGreen: Asked<BlueGreenDeployment>;
    /** The global databases of the account. */
    readonly globalClusters: Asked<GlobalCluster>;
}

/** How the program signs in at a source of RDS. */
export interface RdsLogin {
    /** Whether the config names a secret; otherwise it is the one that RDS manages. */
    readonly hasOwnSecret: boolean;
}
