import type { Connection } from "pg";

/** Sends a CopyData message (PostgreSQL protocol, "Message Formats"). */
export function sendCopyData(connection: Connection, payload: Buffer): void {
    const header = Buffer.alloc(5);
    header.write("d", 0, "latin1");
    header.writeInt32BE(payload.length + 4, 1);
    connection.stream.write(Buffer.concat([header, payload]));
}

/** Ends a COPY IN. */
export function sendCopyDone(connection: Connection): void {
    connection.stream.write(Buffer.from([0x63, 0, 0, 0, 4]));
}
