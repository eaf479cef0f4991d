import type { ClientConfig } from "pg";
import { ReplicationStream } from "../local/dms/capture/stream";

/** A slot of the plugin test_decoding that is to be read from now on, until the process ends. */
export interface ReadRequest {
    readonly database: ClientConfig;
    readonly slot: string;
}

/** The stream is open, or could not be opened. */
export interface ReadReply {
    readonly error?: string;
}

const CONFIRM_INTERVAL_MS = 500;

/** Takes what the source sends and throws it away: the source's share of the trail without the rest of it. */
async function read({ database, slot }: ReadRequest): Promise<void> {
    let seen = 0n;
    const remember = (lsn: bigint): void => {
        seen = lsn > seen ? lsn : seen;
    };
    const stream = await ReplicationStream.open(database, slot, 0n, {
        onMessage: remember,
        onKeepalive: remember,
        onLost: () => process.exit(1),
    });
    setInterval(() => {
        stream.confirm(seen);
    }, CONFIRM_INTERVAL_MS);
}

process.on("message", (request: ReadRequest) => {
    read(request).then(
        () => process.send?.({}),
        (error: unknown) => process.send?.({ error: String(error) }),
    );
});
process.on("disconnect", () => process.exit(0));
