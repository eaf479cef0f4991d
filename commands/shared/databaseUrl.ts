/** Where a database is, and how somebody logs in. */
export interface DatabaseAddress {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly username: string;
    readonly password: string;
    /** Path of the file of the certificate authorities that may have signed the server's certificate. */
    readonly authorities: string;
}

/** The URL by which psql and pg find a database over verified TLS, with the password in it. */
export function databaseUrl(address: DatabaseAddress): string {
    const url = new URL(`postgresql://${address.host}:${String(address.port)}/`);
    url.username = encodeURIComponent(address.username);
    url.password = encodeURIComponent(address.password);
    url.pathname = encodeURIComponent(address.database);
    url.searchParams.set("sslmode", "verify-full");
    url.searchParams.set("sslrootcert", address.authorities);
    return url.href;
}
