import type http2 from "node:http2";
import type { Readable } from "node:stream";

// What of gRPC over HTTP/2 is needed to pass calls on: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

/** Codes of https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const STATUS = { unknown: 2, unavailable: 14 } as const;

/** A message begins with a byte that says whether it is compressed, and its length in four bytes. */
const PREFIX_BYTES = 5;

/** As wide as a connection's and a stream's window may be for a message of many megabytes to flow. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/** Node.js limits what a connection holds to less than the engine may send; here the engine's own limits hold. */
export const SESSION_OPTIONS = {
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER,
    peerMaxConcurrentStreams: 2 ** 31 - 1,
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
} satisfies http2.ClientSessionOptions & http2.ServerOptions;

/** Reads a call's only message. Throws one sentence when it is no whole message, or a compressed one. */
export async function readMessage(stream: Readable): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
        chunks.push(chunk as Buffer);
    }
    const body = Buffer.concat(chunks);
    if (body.length < PREFIX_BYTES || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) {
        throw new Error("A message to or from the postgresql plugin is not whole.");
    }
    if (body[0] !== 0) {
        throw new Error("A message to or from the postgresql plugin is compressed.");
    }
    return body.subarray(PREFIX_BYTES);
}

/** A message as it is sent. */
export function framed(message: Uint8Array): Buffer {
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(message.length, 1);
    return Buffer.concat([prefix, message]);
}

/** Headers that answer a call with a failure and nothing else. */
export function failureHeaders(code: number, sentence: string): http2.OutgoingHttpHeaders {
    return {
        ":status": 200,
        "content-type": "application/grpc",
        "grpc-status": String(code),
        "grpc-message": encodeURI(sentence),
    };
}
