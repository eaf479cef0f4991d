import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "./databaseServer";

/**
 * The provider's input that says how its server is reached, as JSON. The wrapper of the plugin in plugins/postgresql/ reads
 * it and takes it out. It stands among the provider's inputs because the state keeps those: a destroy runs no program.
 */
const ROUTE_INPUT = "databaseRoute";

/**
 * A postgresql provider that works as a server's master user, over TLS with a verified name. It knows the host when the
 * server answers, and connects only when there is something to do, along the connection's route if it has one.
 */
export function masterProvider(
    name: string,
    { masterConnection, host, port, engineVersion, caBundle }: DatabaseServer,
): postgresql.Provider {
    // A route has nothing secret, and a preview shows how it changes.
    const route = pulumi
        .unsecret(masterConnection)
        .apply((connection) =>
            connection.route === undefined || connection.route.kind === "direct"
                ? undefined
                : JSON.stringify(connection.route),
        );
    return new postgresql.Provider(
        name,
        {
            host,
            port,
            database: masterConnection.database,
            username: masterConnection.user,
            password: masterConnection.password,
            // The master user of RDS is none; the provider must not try what only a superuser can.
            superuser: false,
            expectedVersion: engineVersion,
            sslmode: "verify-full",
            sslrootcert: caBundle.path,
        },
        {
            // The SDK's class passes on none but the vendor's inputs.
            transformations: [
                ({ props, opts }) => ({
                    props: { ...(props as object), [ROUTE_INPUT]: route },
                    opts,
                }),
            ],
        },
    );
}

/** The options of a component whose resources of the postgresql plugin are made at this server, by a provider of this name. */
export function madeAt(name: string, server: DatabaseServer): pulumi.ComponentResourceOptions {
    return { providers: { postgresql: masterProvider(name, server) } };
}
