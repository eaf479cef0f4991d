import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../text/errors";
import { failureHeaders, framed, readMessage, SESSION_OPTIONS, STATUS } from "./grpc";

/** Changes the one message of a call, and the one of its answer. */
interface Rewrite {
    readonly request: Uint8Array;
    /** The answer's message for the engine; where there is none, the answer passes through unread. */
    readonly response?: (answer: Uint8Array) => Uint8Array;
}

/** Changes a call. What it throws is the call's answer. */
type Change = (request: Buffer, headers: http2.IncomingHttpHeaders) => Promise<Rewrite> | Rewrite;

/** Where calls go, and what becomes of them on the way. */
export interface Passage {
    /** Gives the connection to the plugin, once for each call. Rejects with a sentence for the user. */
    session(): Promise<http2.ClientHttp2Session>;
    /** The change of a call of this name; undefined for calls that are passed through unread, streams among them. */
    rewrite(call: string): Change | undefined;
    /** A failure's text for the user. */
    readonly explain: (text: string) => string;
}

/** Headers without what belongs to one connection only, and without a length that may change. */
function forwarded(headers: http2.IncomingHttpHeaders): http2.OutgoingHttpHeaders {
    return Object.fromEntries(
        Object.entries(headers).filter(([name]) => name !== "content-length"),
    );
}

/** A failure with its text as it is explained. One with details stays as it is: the engine reads the text in those. */
function explained(
    headers: http2.IncomingHttpHeaders,
    explain: Passage["explain"],
): http2.OutgoingHttpHeaders {
    const { "grpc-message": encoded, "grpc-status-details-bin": details } = headers;
    if (typeof encoded !== "string" || details !== undefined) {
        return headers;
    }
    const text = decoded(encoded);
    const better = explain(text);
    return better === text ? headers : { ...headers, "grpc-message": encodeURI(better) };
}

/** A percent-encoded text; one that is not encoded well is taken as it is. */
function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function fail(down: http2.ServerHttp2Stream, code: number, error: unknown): void {
    if (down.closed || down.destroyed) {
        return;
    }
    if (down.headersSent) {
        down.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    } else {
        down.respond(failureHeaders(code, messageOf(error)), { endStream: true });
    }
}

/** Sends an answer on as it comes, or, to be changed, when it is whole. Its failure is the engine's answer. */
function answer(
    down: http2.ServerHttp2Stream,
    up: http2.ClientHttp2Stream,
    { explain }: Passage,
    change: Rewrite["response"],
): void {
    let trailers: http2.OutgoingHttpHeaders | undefined;
    let complete = false;
    const finish = () => {
        if (complete && trailers !== undefined && !down.closed) {
            down.end();
        }
    };
    down.on("wantTrailers", () => {
        down.sendTrailers(trailers ?? {});
    });
    up.once("trailers", (received: http2.IncomingHttpHeaders) => {
        trailers = explained(received, explain);
        finish();
    });
    up.once("response", (headers: http2.IncomingHttpHeaders, flags: number) => {
        if ((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
            down.respond(explained(headers, explain), { endStream: true });
            return;
        }
        down.respond(forwarded(headers), { waitForTrailers: true });
        if (change === undefined) {
            up.pipe(down, { end: false });
            up.once("end", () => {
                complete = true;
                finish();
            });
            return;
        }
        readMessage(up)
            .then((message) => {
                down.write(framed(change(message)));
            })
            .catch((error: unknown) => {
                // A failure has trailers and no message.
                if (trailers === undefined) {
                    fail(down, STATUS.unknown, error);
                }
            })
            .finally(() => {
                complete = true;
                finish();
            });
    });
    up.once("close", () => {
        if (!down.headersSent || (!complete && up.rstCode !== 0)) {
            fail(
                down,
                STATUS.unavailable,
                new Error("The postgresql plugin ended in the middle of a call."),
            );
        }
    });
}

async function pass(
    down: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    passage: Passage,
): Promise<void> {
    const change = passage.rewrite((headers[":path"] ?? "").split("/").at(-1) ?? "");
    const rewrite =
        change === undefined ? undefined : await change(await readMessage(down), headers);
    let session: http2.ClientHttp2Session;
    try {
        session = await passage.session();
    } catch (error) {
        fail(down, STATUS.unavailable, error);
        return;
    }
    if (down.closed) {
        return;
    }
    const up = session.request(forwarded(headers));
    // Each failure is also a close, which says the rest.
    up.on("error", () => undefined);
    down.once("close", () => {
        if (!up.closed) {
            up.close(http2.constants.NGHTTP2_CANCEL);
        }
    });
    answer(down, up, passage, rewrite?.response);
    if (rewrite === undefined) {
        down.pipe(up);
    } else {
        up.end(framed(rewrite.request));
    }
}

/**
 * Serves every call of a gRPC service by handing it to another server: methods that this project does not know, streams,
 * metadata and a failure's details pass through, and a call that is cancelled here is cancelled there.
 *
 * @returns the port on the loopback interface, and what closes the server.
 */
export async function startPassThrough(
    passage: Passage,
): Promise<{ readonly port: number; readonly close: () => void }> {
    const server = http2.createServer(SESSION_OPTIONS);
    const sessions = new Set<http2.ServerHttp2Session>();
    server.on("session", (session) => {
        sessions.add(session);
        session.once("close", () => sessions.delete(session));
        session.on("error", () => undefined);
    });
    server.on("stream", (down, headers) => {
        down.on("error", () => undefined);
        pass(down, headers, passage).catch((error: unknown) => {
            fail(down, STATUS.unknown, error);
        });
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
    });
    return {
        port: (server.address() as AddressInfo).port,
        close() {
            server.close();
            for (const session of sessions) {
                session.destroy();
            }
        },
    };
}
