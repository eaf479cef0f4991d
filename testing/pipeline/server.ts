import path from "node:path";
import { Client } from "pg";
import { findBinaries } from "../../local/servers/binaries";
import { becomesFree } from "../../local/servers/ports";
import {
    isRunning,
    recordedPid,
    type ServerFiles,
    startServer,
    stopServer,
} from "../../local/servers/postgres";
import { type ScratchServer, scratchServer } from "../postgres";
import { until } from "../until";

/** How a server is taken away: orderly, without a checkpoint, or without any warning. */
export type Outage = "fast" | "immediate" | "SIGKILL";

/** A PostgreSQL server that keeps what it has committed and that a test can take away and bring back. */
export class MortalServer {
    private constructor(
        readonly scratch: ScratchServer,
        private readonly files: ServerFiles,
    ) {}

    static async start(settings: Readonly<Record<string, string>> = {}): Promise<MortalServer> {
        const scratch = await scratchServer({
            settings: { synchronous_commit: "on", max_connections: "60", ...settings },
        });
        const client = await connect(scratch, scratch.database);
        try {
            const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
            const dataDir = rows[0]?.data_directory ?? "";
            const logFile = path.join(path.dirname(dataDir), "server.log");
            return new MortalServer(scratch, { bin: await findBinaries(), dataDir, logFile });
        } finally {
            await client.end();
        }
    }

    async takeAway(outage: Outage): Promise<void> {
        if (outage !== "SIGKILL") {
            await stopServer(this.files, outage);
            return;
        }
        const pid = await recordedPid(this.files);
        if (pid === undefined) {
            throw new Error(`The server in ${this.files.dataDir} does not run.`);
        }
        process.kill(pid, "SIGKILL");
        await until(() => Promise.resolve(!isAlive(pid)));
    }

    /** Whether it is there: a test that fails may leave it taken away. */
    async isThere(): Promise<boolean> {
        return await isRunning(this.files);
    }

    async bringBack(): Promise<void> {
        // A child of the killed server may hold the port until it has noticed its end; whoever else does, the start tells.
        await becomesFree(this.scratch.port);
        await startServer(this.files, this.scratch.port);
    }

    /** A superuser's session, for the caller to end. */
    async administrator(database = this.scratch.database): Promise<Client> {
        return await connect(this.scratch, database);
    }

    async stop(): Promise<void> {
        await this.scratch.stop();
    }
}

/** A session that survives the loss of its server quietly; the next query rejects. */
export async function connect(
    server: ScratchServer,
    database: string,
    account: { readonly user: string; readonly password: string } = server,
): Promise<Client> {
    const { host, port } = server;
    const { user, password } = account;
    const client = new Client({ host, port, user, password, database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}
