import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";

/** What the databases, their provider and the endpoints of DMS need of a PostgreSQL server, whatever makes it. */
export interface DatabaseServer {
    /** Name of the writer; known when the server answers. */
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    /** PostgreSQL's version, for example "17.7". */
    readonly engineVersion: string;
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
     * needs no connection.
     *
     * A server that the stack did not make has none, and that is more than a type: without an owner a destroy connects and
     * deletes one resource after the other in a database that goes on. Only the schemas are kept. A function that staging's
     * triggers call cannot be dropped, and a role that is dropped leaves its tables, the logs among them, to the master user.
     * Whoever supports such a server decides first what a destroy may take from it. The names of the trail's roles
     * (trail/rolesAndSchemas.ts) are fixed and a server's own: two stacks cannot share one.
     */
    readonly owner: pulumi.Resource;
}
