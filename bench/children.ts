import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

/** A process of a benchmark that answers one request after the other. It ends with this process. */
export class Child<Request extends object, Reply> {
    private readonly child: ChildProcess;

    /** @param file of this folder */
    constructor(file: string) {
        this.child = fork(path.join(__dirname, file), {
            execArgv: ["--require", require.resolve("tsx/cjs")],
            // Ctrl-C is for the benchmark, which ends its children when it has cleaned up.
            detached: true,
        });
    }

    get pid(): number {
        return this.child.pid ?? 0;
    }

    async ask(request: Request): Promise<Reply> {
        const ended = new AbortController();
        const { signal } = ended;
        try {
            const reply = once(this.child, "message", { signal });
            const death = once(this.child, "exit", { signal });
            this.child.send(request);
            const message = await Promise.race([
                reply.then(([value]) => ({ value: value as Reply })),
                death,
            ]);
            if ("value" in message) {
                return message.value;
            }
            throw new Error(`A client process of the benchmark ended (${String(message[0])}).`);
        } finally {
            ended.abort();
        }
    }

    /** Ends it at once: it has nothing to tidy up, and while it waits for its turn it hears of nothing. */
    async end(): Promise<void> {
        if (this.child.exitCode === null && this.child.signalCode === null) {
            const exited = once(this.child, "exit");
            this.child.kill("SIGKILL");
            await exited;
        }
    }
}
