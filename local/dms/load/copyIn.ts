import { type Client, type Connection, Query } from "pg";
import { sendCopyData, sendCopyDone } from "../copyData";

/** Runs a COPY ... FROM STDIN statement with the given text-format rows. */
export async function copyIn(client: Client, statement: string, rows: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
        client.query(
            new CopyInQuery(statement, rows, (error) => {
                if (error === undefined || error === null) {
                    resolve();
                } else {
                    reject(error);
                }
            }),
        );
    });
}

/** One field of COPY's text format. */
export function copyField(value: string | null): string {
    return value === null ? String.raw`\N` : value.replaceAll(/[\\\n\r\t]/g, escaped);
}

function escaped(character: string): string {
    switch (character) {
        case "\n":
            return String.raw`\n`;
        case "\r":
            return String.raw`\r`;
        case "\t":
            return String.raw`\t`;
        default:
            return `\\${character}`;
    }
}

class CopyInQuery extends Query {
    constructor(
        statement: string,
        private readonly payload: string,
        callback: (error: Error | null | undefined) => void,
    ) {
        super(statement, callback);
    }

    /** Called by pg when the server is ready for the data. */
    handleCopyInResponse(connection: Connection): void {
        sendCopyData(connection, Buffer.from(this.payload, "utf8"));
        sendCopyDone(connection);
    }
}
