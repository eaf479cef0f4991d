import { Client, type ClientConfig, escapeIdentifier } from "pg";
import { disconnect, SESSION } from "../connection";
import { sendCopyData } from "../copyData";
import { formatLsn } from "../lsn";

export interface StreamEvents {
    /** One message of the output plugin and the WAL position it belongs to. */
    readonly onMessage: (lsn: bigint, text: string) => void;
    /** Everything that committed before `lsn` has been sent. */
    readonly onKeepalive: (lsn: bigint) => void;
    readonly onLost: (error: Error) => void;
}

const FEEDBACK_INTERVAL_MS = 5_000;
const SILENCE_LIMIT_MS = 60_000;
/** PostgreSQL counts time from 2000-01-01. */
const EPOCH_MS = 946_684_800_000n;

/** Logical replication from a slot (PostgreSQL manual, "Streaming Replication Protocol"). */
export class ReplicationStream {
    private confirmed: bigint;
    private paused = false;
    private lastHeard = Date.now();
    private readonly timer: NodeJS.Timeout;

    private constructor(
        private readonly client: Client,
        start: bigint,
        private readonly events: StreamEvents,
    ) {
        this.confirmed = start;
        this.timer = setInterval(() => {
            this.beat();
        }, FEEDBACK_INTERVAL_MS);
    }

    static async open(
        config: ClientConfig,
        slot: string,
        start: bigint,
        events: StreamEvents,
    ): Promise<ReplicationStream> {
        const client = await replicationClient(config, events.onLost);
        const stream = new ReplicationStream(client, start, events);
        client.connection.on("copyData", ({ chunk }: { chunk: Buffer }) => {
            stream.receive(chunk);
        });
        try {
            await new Promise<void>((resolve, reject) => {
                client.connection.once("replicationStart", resolve);
                client
                    .query(
                        `START_REPLICATION SLOT ${escapeIdentifier(slot)} LOGICAL ${formatLsn(start)} ` +
                            `("include-xids" 'off', "include-timestamp" 'on', "skip-empty-xacts" 'on')`,
                    )
                    .then(() => new Error("The source ended the replication stream."))
                    .catch((error: unknown) => asError(error))
                    .then((error) => {
                        reject(error);
                        events.onLost(error);
                    })
                    .catch(reject);
            });
        } catch (error) {
            await stream.close();
            throw error;
        }
        return stream;
    }

    /** Lets the slot forget what committed before `lsn`; also sent again by itself from time to time. */
    confirm(lsn: bigint): void {
        if (lsn > this.confirmed) {
            this.confirmed = lsn;
            this.sendStatus(false);
        }
    }

    pause(): void {
        this.paused = true;
        this.client.connection.stream.pause();
    }

    resume(): void {
        this.paused = false;
        this.lastHeard = Date.now();
        this.client.connection.stream.resume();
    }

    async close(): Promise<void> {
        clearInterval(this.timer);
        this.client.connection.removeAllListeners("copyData");
        // A walsender in COPY mode reads on until its socket closes.
        this.client.connection.stream.destroy();
        await disconnect(this.client);
    }

    private receive(chunk: Buffer): void {
        this.lastHeard = Date.now();
        const lsn = chunk.readBigUInt64BE(1);
        if (chunk[0] === 0x77) {
            this.events.onMessage(lsn, chunk.toString("utf8", 25));
        } else if (chunk[0] === 0x6b) {
            this.events.onKeepalive(lsn);
            if (chunk[17] === 1) {
                this.sendStatus(false);
            }
        }
    }

    /** With wal_sender_timeout = 0 only an answer to a question shows that the source is still there. */
    private beat(): void {
        if (!this.paused && Date.now() - this.lastHeard > SILENCE_LIMIT_MS) {
            this.events.onLost(new Error("The source has not answered for a minute."));
        }
        this.sendStatus(true);
    }

    private sendStatus(answerWanted: boolean): void {
        if (!this.client.connection.stream.writable) {
            return;
        }
        const message = Buffer.alloc(34);
        message.write("r", 0, "latin1");
        message.writeBigUInt64BE(this.confirmed, 1);
        message.writeBigUInt64BE(this.confirmed, 9);
        message.writeBigUInt64BE(this.confirmed, 17);
        message.writeBigInt64BE((BigInt(Date.now()) - EPOCH_MS) * 1000n, 25);
        message.writeUInt8(answerWanted ? 1 : 0, 33);
        sendCopyData(this.client.connection, message);
    }
}

/** A connection that understands replication commands besides SQL. */
export async function replicationClient(
    config: ClientConfig,
    onLost: (error: Error) => void,
): Promise<Client> {
    const replication = { ...config, replication: "database" };
    const client = new Client(replication);
    client.on("error", onLost);
    try {
        await client.connect();
        await client.query(SESSION);
        return client;
    } catch (error) {
        await disconnect(client);
        throw error;
    }
}

function asError(error: unknown): Error {
    return error instanceof Error ? error : new Error(String(error));
}
