import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import type { CaBundle } from "../dms/caBundle";

/** What the databases, their provider and the endpoints of DMS need of a PostgreSQL server, whatever makes it. */
export interface DatabaseServer {
    /** Name of the writer; known when the server answers. */
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    /** PostgreSQL's version, for example "17.7". */
    readonly engineVersion: pulumi.Input<string>;
    /**
     * Whether the server has RDS's roles, so that DMS's user of the source is a member of rds_replication and rds_superuser;
     * elsewhere it has the attribute REPLICATION. True where nothing is said.
     */
    readonly hasRdsRoles?: pulumi.Input<boolean>;
    /** The authorities that sign the server's certificate. */
    readonly caBundle: CaBundle;
    /** What DMS calls such a server, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html. */
    readonly dmsEngineName: "aurora-postgresql" | "postgres";
    /** The way in as the master user; a secret. */
    readonly masterConnection: pulumi.Output<Connection>;
    /** Where people find the master user's password. */
    readonly masterSecretArn: pulumi.Output<string>;
    /** A command for people, who type the password. */
    readonly psql: pulumi.Output<string>;
    /**
     * The resource that takes the databases along when it is deleted; what lives in them is `deletedWith` it, and a destroy
     * needs no connection. Undefined for a server that the stack did not make: a destroy connects and takes from its database
     * what the trail has made there (components/database/sourceUndo.ts).
     */
    readonly owner: pulumi.Resource | undefined;
    /** The replication slots of a server that the stack did not make, before it came; undefined for one that it made. */
    readonly slotsBefore?: pulumi.Output<readonly string[]>;
}
