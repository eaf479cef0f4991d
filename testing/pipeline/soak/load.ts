import { setTimeout as pause } from "node:timers/promises";
import { type Client, DatabaseError } from "pg";
import { disconnect } from "../../../local/dms/connection";
import type { Random } from "./random";
import { SOAK_TABLES, type SoakKind, soakStatement } from "./tables";

const KINDS: readonly [SoakKind, ...SoakKind[]] = [
    ...(["insert", "upsert", "update", "update", "touch", "delete", "range"] as const),
];
const KEYS = 40;
const RETRY_MS = 50;

/** One client: transactions of some statements, with savepoints and rollbacks, until it is stopped. Outages only delay it. */
export class LoadClient {
    transactions = 0;
    private readonly stopping = new AbortController();

    constructor(
        private readonly connect: () => Promise<Client>,
        private readonly random: Random,
        /** Milliseconds between transactions. */
        private readonly thinkMs: number,
    ) {}

    stop(): void {
        this.stopping.abort();
    }

    async run(): Promise<void> {
        while (this.goesOn()) {
            const client = await this.connected();
            if (client === undefined) {
                continue;
            }
            try {
                while (this.goesOn()) {
                    await this.transaction(client);
                    await pause(this.thinkMs);
                }
            } catch (error) {
                if (!isOutage(error)) {
                    throw error;
                }
            } finally {
                await disconnect(client);
            }
        }
    }

    private goesOn(): boolean {
        return !this.stopping.signal.aborted;
    }

    private async connected(): Promise<Client | undefined> {
        try {
            return await this.connect();
        } catch (error) {
            if (!isOutage(error)) {
                throw error;
            }
            await pause(RETRY_MS);
            return undefined;
        }
    }

    private async transaction(client: Client): Promise<void> {
        await client.query("BEGIN");
        try {
            for (let left = 1 + this.random.below(5); left > 0; left -= 1) {
                await this.statement(client);
            }
            await client.query(this.random.below(6) === 0 ? "ROLLBACK" : "COMMIT");
            this.transactions += 1;
        } catch (error) {
            // A deadlock with another client is part of the load.
            if (!(error instanceof DatabaseError && error.code === "40P01")) {
                throw error;
            }
            await client.query("ROLLBACK");
        }
    }

    private async statement(client: Client): Promise<void> {
        const { random } = this;
        const table = SOAK_TABLES[random.below(SOAK_TABLES.length)] ?? SOAK_TABLES[0];
        if (table === undefined) {
            return;
        }
        const n = random.below(KEYS);
        const sql = soakStatement(table, random.of(KINDS), n, random.below(10_000));
        switch (random.below(5)) {
            case 0:
                await client.query(`SAVEPOINT s; ${sql}; ROLLBACK TO SAVEPOINT s`);
                return;
            case 1: {
                const again = soakStatement(table, "upsert", n, random.below(10_000));
                await client.query(`SAVEPOINT s; ${sql}; RELEASE SAVEPOINT s; ${again}`);
                return;
            }
            default:
                await client.query(sql);
        }
    }
}

/** Whether an error says that the server is away, and nothing about the statement. */
function isOutage(error: unknown): boolean {
    return error instanceof DatabaseError
        ? /^(?:57|08)/u.test(error.code ?? "")
        : /terminated|ECONN|EPIPE|not queryable|closed/u.test(String(error));
}
