import { readFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";

/** The superuser that RDS keeps for itself. */
export const ADMINISTRATOR = "rdsadmin";

export interface AdministratorLogin {
    readonly port: number;
    readonly password: string;
    /** Certificate of the authority that signed the server's; undefined before the server has one. */
    readonly ca: string | undefined;
}

/** Runs `work` in a session of rdsadmin on the server's `postgres` database; nothing of it reaches the server's log. */
export async function asAdministrator<T>(
    login: AdministratorLogin,
    work: (client: Client) => Promise<T>,
): Promise<T> {
    const config = {
        host: "localhost",
        port: login.port,
        user: ADMINISTRATOR,
        password: login.password,
        database: "postgres",
        ssl: login.ca === undefined ? false : { ca: login.ca },
        application_name: "rdsadmin",
        connectionTimeoutMillis: 10_000,
        // Under a stock CLI this process has the user's variables, which would decide about these.
        replication: "off",
        sslnegotiation: "postgres" as const,
        // Statements here hold passwords: keep them out of the server's log.
        options:
            "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic",
    };
    const client = new Client(config);
    // A server that ends this session at the wrong moment must not end this process: the query reports it.
    client.on("error", () => undefined);
    await client.connect();
    try {
        return await work(client);
    } finally {
        await client.end();
    }
}

/** Runs a file of plain statements from local/servers/sql. */
export async function runFile(client: Client, file: string): Promise<void> {
    await client.query(await sqlText(file));
}

/** Runs the statements that a file's query writes, each on its own. */
export async function runGenerated(
    client: Client,
    file: string,
    values: readonly string[] = [],
): Promise<void> {
    const { rows } = await client.query<{ statement: string }>(await sqlText(file), [...values]);
    for (const { statement } of rows) {
        await client.query(statement);
    }
}

async function sqlText(file: string): Promise<string> {
    return await readFile(path.join(__dirname, "sql", file), "utf8");
}
