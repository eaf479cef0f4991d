import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { Client } from "pg";
import type { ProviderConfig } from "./config";
import { connectionFailure } from "./failures";
import { connectThrough, proxyFor } from "./proxy";

/** Lets at most `free` pieces of work run at the same time. */
class Slots {
    private readonly waiting: (() => void)[] = [];

    constructor(private free: number) {}

    async use<T>(work: () => Promise<T>): Promise<T> {
        if (this.free > 0) {
            this.free -= 1;
        } else {
            await new Promise<void>((resume) => this.waiting.push(resume));
        }
        try {
            return await work();
        } finally {
            const next = this.waiting.shift();
            if (next === undefined) {
                this.free += 1;
            } else {
                next();
            }
        }
    }
}

/** The TLS options that give lib/pq's meaning of sslmode. Throws when sslrootcert cannot be read. */
function tlsOptions(config: ProviderConfig): false | ConnectionOptions {
    if (config.sslMode === "disable") {
        return false;
    }
    let ca: string | undefined;
    if (config.sslRootCert !== undefined) {
        try {
            ca = readFileSync(config.sslRootCert, "utf8");
        } catch (cause) {
            throw new Error(`open ${config.sslRootCert}: no such file or directory`, { cause });
        }
    }
    const options: ConnectionOptions = {
        // Without it Node checks the certificate of a server given by its IP address against "localhost".
        host: config.host,
        // "require" trusts any certificate, but with a root certificate it verifies as "verify-ca" does.
        rejectUnauthorized: config.sslMode !== "require" || ca !== undefined,
    };
    if (ca !== undefined) {
        options.ca = ca;
    }
    if (config.sslMode !== "verify-full") {
        options.checkServerIdentity = () => undefined;
    }
    return options;
}

/** The PostgreSQL server that a provider works on. Connects when something is to be done, never before. */
export class Server {
    private readonly connections: Slots;

    constructor(private readonly known: ProviderConfig | undefined) {
        this.connections = new Slots(known?.maxConnections || Number.POSITIVE_INFINITY);
    }

    /** The provider's arguments. Throws while they are unknown. */
    get config(): ProviderConfig {
        if (this.known === undefined) {
            throw new Error(
                "the postgresql provider's arguments are not known yet; run it in an update, not in a preview",
            );
        }
        return this.known;
    }

    /** Runs queries outside a transaction, in the named or the provider's own database. */
    async session<T>(database: string, work: (client: Client) => Promise<T>): Promise<T> {
        return this.connections.use(async () => {
            const client = await this.connect(database || this.config.database);
            try {
                return await work(client);
            } finally {
                await client.end();
            }
        });
    }

    /** Runs changes in one transaction, all or nothing. */
    async transaction<T>(database: string, work: (client: Client) => Promise<T>): Promise<T> {
        return this.session(database, async (client) => {
            await client.query("BEGIN");
            // A role's own statement_timeout must not end the wait for a lock.
            await client.query("SET LOCAL statement_timeout = 0");
            // Ending the connection rolls back what is not committed.
            const result = await work(client);
            await client.query("COMMIT");
            return result;
        });
    }

    private async connect(database: string): Promise<Client> {
        const { host, port, username, password, connectTimeout } = this.config;
        const timeoutMs = connectTimeout * 1000;
        const proxy = proxyFor(process.env, host);
        let through: Socket | undefined;
        try {
            through = proxy && (await connectThrough(proxy, { host, port, timeoutMs }));
        } catch (cause) {
            throw new Error(connectionFailure(cause, { host, port }), { cause });
        }
        const client = new Client({
            ...(through === undefined ? {} : { stream: () => through }),
            host,
            port,
            user: username,
            password,
            database,
            ssl: tlsOptions(this.config),
            connectionTimeoutMillis: timeoutMs,
            application_name: "Pulumi postgresql provider (local)",
        });
        // A server that goes away between two queries must not end this process.
        client.on("error", () => undefined);
        try {
            await client.connect();
        } catch (cause) {
            throw new Error(connectionFailure(cause, { host, port }), { cause });
        }
        return client;
    }
}
