/** What every kind of existing source may say. */
export interface SourceChoices {
    /** The database on it; undefined for that of the config key `databaseName`. */
    readonly databaseName: string | undefined;
    /** A secret with username and password of the login that the program works with. */
    readonly credentialsSecretArn: string | undefined;
    /** The group of the server to which the program adds rules; without one it adds none. */
    readonly allowedSecurityGroup: string | undefined;
}

/** A database of RDS that the stack did not make. */
export interface RdsSource extends SourceChoices {
    readonly kind: "auroraCluster" | "rdsInstance";
    readonly identifier: string;
    /** Where it is, if the config has an ARN in place of an identifier. */
    readonly place: { readonly region: string; readonly accountId: string } | undefined;
}

/** A PostgreSQL server by its address. */
export interface AddressSource extends SourceChoices {
    readonly kind: "address";
    readonly host: string;
    readonly port: number;
    /** The login, where its password is in `sourcePassword`. */
    readonly username: string | undefined;
    /** The network in which the host is; undefined where a security group says that. */
    readonly cidr: string | undefined;
    /** PEM file of the authorities that sign its certificate; undefined for the stack's. */
    readonly caBundle: string | undefined;
}

/** A source that the stack did not make. */
export type ExistingSource = RdsSource | AddressSource;
