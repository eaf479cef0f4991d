import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import { PROJECT_ROOT } from "../../../local/engine/paths";
import { ADMINISTRATOR } from "../../../local/servers/administrator";
import {
    createRdsServer,
    startRdsServer,
    stopRdsServer,
    syncReplicationAttribute,
} from "../../../local/servers/rds";
import { rdsFolder, readRecord } from "../../../local/servers/rdsFiles";
import { authorityFiles } from "../../../local/servers/tls";
import { makeTempDir } from "../../../testing/tempDir";
import { guard, type Settings } from "./laptopStack";

const ID = "theirs";
const LOGIN = { user: "boss", password: "boss-password", database: "shop" };
const PARAMETERS = {
    "rds.logical_replication": "1",
    "rds.force_ssl": "1",
    track_commit_timestamp: "1",
    wal_sender_timeout: "0",
};

/** How often the server gives members of rds_replication what RDS gives them, in milliseconds. */
const ATTRIBUTE_MS = 200;

/** A PostgreSQL server like RDS's, with authorities of its own, that no stack has made. */
export class OwnSource {
    private isOver = false;
    private playing: Promise<void> = Promise.resolve();

    private constructor(
        private readonly stackDir: string,
        private readonly port: number,
        private readonly closeGuard: () => Promise<void>,
    ) {}

    static async start(): Promise<OwnSource> {
        // Inside the project: the config names the authorities' file by a path in it.
        const folder = path.join(PROJECT_ROOT, `.local-test-${String(process.pid)}-own`);
        const stackDir = path.join(folder, "local");
        const closeGuard = guard(folder, await makeTempDir());
        await createRdsServer(stackDir, ID, {
            major: 17,
            masterUsername: LOGIN.user,
            masterPassword: LOGIN.password,
            databaseName: LOGIN.database,
            parameters: Object.entries(PARAMETERS).map(([name, value]) => ({
                name,
                value,
                applyMethod: "pending-reboot",
            })),
        });
        await startRdsServer(stackDir, ID);
        const { port } = await readRecord(stackDir, ID);
        const source = new OwnSource(stackDir, port, closeGuard);
        source.playing = source.giveAttributes();
        return source;
    }

    /** The config keys that lead to it. */
    get settings(): Settings {
        return {
            demoTable: false,
            source: {
                host: "localhost",
                port: this.port,
                username: LOGIN.user,
                databaseName: LOGIN.database,
                cidr: "127.0.0.1/32",
                caBundle: path.relative(PROJECT_ROOT, authorityFiles(this.stackDir).certPath),
            },
            sourcePassword: LOGIN.password,
        };
    }

    /** As its own superuser. */
    async asAdministrator<T>(work: (client: Client) => Promise<T>): Promise<T> {
        const password = await readFile(rdsFolder(this.stackDir, ID).passwordFile, "utf8");
        return await this.session(ADMINISTRATOR, password, work);
    }

    /** As the login of the stack. */
    async asLogin<T>(work: (client: Client) => Promise<T>): Promise<T> {
        return await this.session(LOGIN.user, LOGIN.password, work);
    }

    private async session<T>(
        user: string,
        password: string,
        work: (client: Client) => Promise<T>,
    ): Promise<T> {
        const ca = await readFile(authorityFiles(this.stackDir).certPath, "utf8");
        const client = new Client({
            host: "localhost",
            port: this.port,
            database: LOGIN.database,
            user,
            password,
            ssl: { ca },
        });
        client.on("error", () => undefined);
        await client.connect();
        try {
            return await work(client);
        } finally {
            await client.end();
        }
    }

    /** Nobody reaches it until {@link comeBack}. */
    async goAway(): Promise<void> {
        await this.rest();
        await stopRdsServer(this.stackDir, ID);
    }

    async comeBack(): Promise<void> {
        await startRdsServer(this.stackDir, ID);
        this.isOver = false;
        this.playing = this.giveAttributes();
    }

    /** Ends it, whatever state it is in. */
    async dispose(): Promise<void> {
        await this.rest();
        await this.closeGuard();
    }

    private async rest(): Promise<void> {
        this.isOver = true;
        await this.playing;
    }

    /** On RDS a membership is enough to replicate; PostgreSQL looks at the attribute. */
    private async giveAttributes(): Promise<void> {
        while (!this.isOver) {
            // What an update writes at the same moment is seen the next time.
            await syncReplicationAttribute(this.stackDir, ID).catch(() => undefined);
            await pause(ATTRIBUTE_MS);
        }
    }
}
