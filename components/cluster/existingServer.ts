import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import { renderSql } from "../../database/sqlTemplate";
import type { Route } from "../../reach/route";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import type { CaBundle } from "../dms/caBundle";
import type { Owner } from "../owner";
import type { Tags } from "../tags";
import { DatabaseCredentials } from "./databaseCredentials";
import type { DatabaseServer } from "./databaseServer";
import { psqlOutput } from "./psqlCommand";
import { SourceClaim } from "./sourceClaim";
import type { FoundSource } from "./sourceLookup";

/** Arguments of {@link ExistingServer}. */
export interface ExistingServerArgs {
    readonly found: FoundSource;
    readonly databaseName: string;
    /** The way to the server from the machine that runs Pulumi. */
    readonly route: pulumi.Output<Route>;
    /** The authorities that sign the server's certificate. */
    readonly caBundle: CaBundle;
    /** A key of the customer's for the secret of the login; undefined: the one that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    readonly tags: Tags;
}

/**
 * A PostgreSQL server that the stack did not make, as its source. Nothing of it is changed but what the trail makes in its
 * database; a destroy takes that away again.
 */
export class ExistingServer extends pulumi.ComponentResource implements DatabaseServer {
    readonly owner = undefined;
    readonly slotsBefore: pulumi.Output<readonly string[]>;
    readonly engineVersion: pulumi.Output<string>;
    readonly hasRdsRoles: pulumi.Output<boolean>;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    readonly caBundle: CaBundle;
    /** Undefined for a server that is given by its address. */
    readonly arn: pulumi.Output<string> | undefined;
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly masterSecretArn: pulumi.Output<string>;
    readonly psql: pulumi.Output<string>;
    readonly masterConnection: pulumi.Output<Connection>;

    constructor(name: string, args: ExistingServerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:ExistingServer", name, {}, opts);
        const { found, databaseName } = args;
        const { file: caBundle } = args.caBundle;
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const connection = pulumi.secret(loginConnection(args));
        const claim = sourceClaim(owner, connection);
        const { host, port } = claim;
        const masterUsername = pulumi.unsecret(found.login.username);

        this.dmsEngineName = found.dmsEngineName;
        this.caBundle = args.caBundle;
        this.arn = found.arn;
        this.host = host;
        this.port = port;
        this.engineVersion = claim.version;
        this.hasRdsRoles = claim.hasRdsRoles;
        this.slotsBefore = claim.slotsBefore;
        // Nothing connects before the claim.
        this.masterConnection = pulumi.secret(
            pulumi.all([connection, host, port]).apply(([way]) => way),
        );
        this.masterSecretArn = found.secretArn ?? loginSecret(owner, args, claim);
        this.psql = psqlOutput({ host, port, databaseName, masterUsername, caBundle });
        this.registerOutputs({
            host,
            port,
            masterSecretArn: this.masterSecretArn,
            psql: this.psql,
        });
    }
}

function loginConnection({
    found,
    databaseName: database,
    caBundle: { path: caPath },
    route: way,
}: ExistingServerArgs): pulumi.Output<Connection> {
    return pulumi
        .all([found.host, found.port, found.login, way])
        .apply(([host, port, { username: user, password }, route]): Connection => {
            const direct = { host, port, database, user, password, caPath };
            return route.kind === "direct" ? direct : { ...direct, route };
        });
}

/** Makes sure that no other stack works at this source; nothing connects before. */
function sourceClaim({ name, opts }: Owner, connection: pulumi.Output<Connection>): SourceClaim {
    return new SourceClaim(
        `${name}-claim`,
        {
            connection,
            query: renderSql("sql/source/claim.sql").sql,
            roles: [roles.source],
            schemas: [schemas.trail, schemas.dmsHeartbeat],
        },
        opts,
    );
}

/** A secret for the login of a server that has none of its own. */
function loginSecret(
    { name, tags, opts }: Owner,
    { found, databaseName, caBundle, kmsKeyArn }: ExistingServerArgs,
    { host, port }: SourceClaim,
): pulumi.Output<string> {
    const credentials = new DatabaseCredentials(
        `${name}-master`,
        {
            description: `Login of the source of ${name}`,
            username: found.login.username,
            password: found.login.password,
            host,
            port,
            databaseName,
            caBundle: caBundle.file,
            kmsKeyArn,
            tags,
        },
        opts,
    );
    return credentials.secretArn;
}
