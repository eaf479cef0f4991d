import assert from "node:assert/strict";
import http2 from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { type Passage, startPassThrough } from "../../../plugins/postgresql/passThrough";

const MEGABYTE = 1024 * 1024;
const LIMITS = {
    "grpc.max_receive_message_length": 100 * MEGABYTE,
    "grpc.max_send_message_length": 100 * MEGABYTE,
};
const same = (bytes: Buffer): Buffer => bytes;

function method(name: string, streams = false): grpc.MethodDefinition<Buffer, Buffer> {
    return {
        path: `/pulumirpc.ResourceProvider/${name}`,
        requestStream: streams,
        responseStream: streams,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
    };
}

const METHODS = {
    Echo: method("Echo"),
    Fail: method("Fail"),
    Wait: method("Wait"),
    Changed: method("Changed"),
    Chat: method("Chat", true),
};

/** A server with methods that no version of the protocol has. */
class FakePlugin {
    readonly cancelled: string[] = [];
    waiting = 0;
    private readonly server = new grpc.Server(LIMITS);
    private opened: http2.ClientHttp2Session | undefined;

    async start(): Promise<http2.ClientHttp2Session> {
        this.server.addService(METHODS, {
            Echo: (
                call: grpc.ServerUnaryCall<Buffer, Buffer>,
                done: grpc.sendUnaryData<Buffer>,
            ) => {
                const trailer = new grpc.Metadata();
                trailer.set("asked", call.metadata.get("asking")[0] ?? "");
                done(null, call.request, trailer);
            },
            Changed: (
                call: grpc.ServerUnaryCall<Buffer, Buffer>,
                done: grpc.sendUnaryData<Buffer>,
            ) => {
                done(
                    call.request.toString() === "<fail>"
                        ? { code: grpc.status.INTERNAL, details: "changed and failed" }
                        : null,
                    call.request,
                );
            },
            Fail: (
                call: grpc.ServerUnaryCall<Buffer, Buffer>,
                done: grpc.sendUnaryData<Buffer>,
            ) => {
                const metadata = new grpc.Metadata();
                if (call.request.length > 0) {
                    metadata.set("grpc-status-details-bin", call.request);
                }
                done({ code: grpc.status.ABORTED, details: "naïve: 100% wrong", metadata });
            },
            Wait: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => {
                this.waiting += 1;
                call.on("cancelled", () => this.cancelled.push(call.request.toString()));
            },
            Chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
                call.on("data", (chunk: Buffer) => call.write(Buffer.from(`${chunk.toString()}!`)));
                call.on("end", () => {
                    call.end();
                });
            },
        });
        const port = await new Promise<number>((resolve, reject) => {
            this.server.bindAsync(
                "127.0.0.1:0",
                grpc.ServerCredentials.createInsecure(),
                (error, bound) => {
                    if (error) {
                        reject(error);
                    } else {
                        resolve(bound);
                    }
                },
            );
        });
        this.opened = http2.connect(`http://127.0.0.1:${String(port)}`, {
            maxSessionMemory: Number.MAX_SAFE_INTEGER,
        });
        this.opened.on("error", () => undefined);
        return this.opened;
    }

    stop(): void {
        this.opened?.destroy();
        this.server.forceShutdown();
    }
}

describe("the pass-through of the postgresql plugin", () => {
    const plugin = new FakePlugin();
    let session: http2.ClientHttp2Session;
    let reached: Promise<http2.ClientHttp2Session>;
    let served: { readonly port: number; readonly close: () => void };
    let client: grpc.Client;

    before(async () => {
        session = await plugin.start();
        const passage: Passage = {
            session: () => reached,
            rewrite: (call) =>
                call === "Changed"
                    ? (request) => {
                          if (request.toString() === "refuse") {
                              throw new Error("refused: 100% ä");
                          }
                          return {
                              request: Buffer.from(`<${request.toString()}>`),
                              response: (answer) => Buffer.from(`[${answer.toString()}]`),
                          };
                      }
                    : undefined,
            explain: (text) => text.replace("wrong", "clear"),
        };
        served = await startPassThrough(passage);
        client = new grpc.Client(
            `127.0.0.1:${String(served.port)}`,
            grpc.credentials.createInsecure(),
            LIMITS,
        );
    });
    beforeEach(() => {
        reached = Promise.resolve(session);
    });
    after(() => {
        client.close();
        served.close();
        plugin.stop();
    });

    const call = (
        { path }: { path: string },
        message: Buffer,
        metadata = new grpc.Metadata(),
    ): Promise<{ answer: Buffer; trailers: grpc.Metadata }> =>
        new Promise((resolve, reject) => {
            let answer: Buffer = Buffer.alloc(0);
            let trailers = new grpc.Metadata();
            client
                .makeUnaryRequest(path, same, same, message, metadata, (error, value) => {
                    if (error) {
                        reject(error);
                        return;
                    }
                    answer = value ?? answer;
                })
                .on("status", (status) => {
                    trailers = status.metadata;
                    resolve({ answer, trailers });
                });
        });

    it("passes messages of many megabytes, metadata and trailers", async () => {
        const message = Buffer.alloc(20 * MEGABYTE, "m");
        const asking = new grpc.Metadata();
        asking.set("asking", "this");
        const { answer, trailers } = await call(METHODS.Echo, message, asking);
        assert.ok(answer.equals(message));
        assert.deepEqual(trailers.get("asked"), ["this"]);
        assert.equal((await call(METHODS.Echo, Buffer.alloc(0))).answer.length, 0);
    });

    it("answers many calls at once", async () => {
        const messages = Array.from({ length: 200 }, (_, index) => Buffer.alloc(10_000, index));
        const answers = await Promise.all(messages.map((message) => call(METHODS.Echo, message)));
        for (const [index, { answer }] of answers.entries()) {
            assert.ok(answer.equals(messages[index] ?? Buffer.alloc(0)));
        }
    });

    it("explains a failure, and leaves one with details as it is", async () => {
        await assert.rejects(call(METHODS.Fail, Buffer.alloc(0)), {
            code: grpc.status.ABORTED,
            details: "naïve: 100% clear",
        });
        const details = Buffer.from([1, 2, 3, 255]);
        await assert.rejects(call(METHODS.Fail, details), (error: grpc.ServiceError) => {
            assert.equal(error.details, "naïve: 100% wrong");
            assert.deepEqual(error.metadata.get("grpc-status-details-bin"), [details]);
            return true;
        });
    });

    it("changes a call and its answer, passes its failure on, and answers what the change throws", async () => {
        const { answer } = await call(METHODS.Changed, Buffer.from("x"));
        assert.equal(answer.toString(), "[<x>]");
        await assert.rejects(call(METHODS.Changed, Buffer.from("fail")), {
            code: grpc.status.INTERNAL,
            details: "changed and failed",
        });
        await assert.rejects(call(METHODS.Changed, Buffer.from("refuse")), {
            code: grpc.status.UNKNOWN,
            details: "refused: 100% ä",
        });
    });

    it("passes streams both ways", async () => {
        const stream = client.makeBidiStreamRequest(METHODS.Chat.path, same, same);
        const got: string[] = [];
        const ended = new Promise((resolve) => stream.on("end", resolve));
        stream.on("data", (chunk: Buffer) => got.push(chunk.toString()));
        stream.write(Buffer.from("one"));
        await new Promise((resolve) => stream.once("data", resolve));
        stream.write(Buffer.from("two"));
        stream.end();
        await ended;
        assert.deepEqual(got, ["one!", "two!"]);
    });

    it("says that a method is not there", async () => {
        await assert.rejects(call({ path: "/pulumirpc.ResourceProvider/None" }, Buffer.alloc(0)), {
            code: grpc.status.UNIMPLEMENTED,
        });
    });

    it("cancels what is cancelled", async () => {
        const waiting = client.makeUnaryRequest(
            METHODS.Wait.path,
            same,
            same,
            Buffer.from("me"),
            () => undefined,
        );
        const until = async (done: () => boolean): Promise<void> => {
            while (!done()) {
                await new Promise((resolve) => setImmediate(resolve));
            }
        };
        await until(() => plugin.waiting === 1);
        waiting.cancel();
        await until(() => plugin.cancelled.length === 1);
        assert.deepEqual(plugin.cancelled, ["me"]);
    });

    it("says in one sentence that the plugin cannot be reached", async () => {
        reached = Promise.reject(new Error("It ended by itself; run it again."));
        reached.catch(() => undefined);
        await assert.rejects(call(METHODS.Echo, Buffer.alloc(0)), {
            details: "It ended by itself; run it again.",
        });
    });

    it("answers a call whose plugin ends meanwhile", async () => {
        const other = new FakePlugin();
        reached = Promise.resolve(await other.start());
        const answer = call(METHODS.Wait, Buffer.from("x"));
        answer.catch(() => undefined);
        while (other.waiting === 0) {
            await new Promise((resolve) => setImmediate(resolve));
        }
        other.stop();
        await assert.rejects(answer, { code: grpc.status.UNAVAILABLE });
    });
});
