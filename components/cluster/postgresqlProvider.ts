import * as postgresql from "@pulumi/postgresql";
import type { DatabaseServer } from "./databaseServer";

/**
 * A postgresql provider that works as a server's master user, over TLS with a verified name. It knows the host when the
 * server answers, and connects only when there is something to do.
 * @param sslrootcert Path of the PEM file of the certificate authorities of a server that has none of its own.
 */
export function masterProvider(
    name: string,
    { masterConnection, host, port, engineVersion, caBundle }: DatabaseServer,
    sslrootcert: string,
): postgresql.Provider {
    return new postgresql.Provider(name, {
        host,
        port,
        database: masterConnection.database,
        username: masterConnection.user,
        password: masterConnection.password,
        // The master user of RDS is none; the provider must not try what only a superuser can.
        superuser: false,
        expectedVersion: engineVersion,
        sslmode: "verify-full",
        sslrootcert: caBundle?.path ?? sslrootcert,
    });
}
