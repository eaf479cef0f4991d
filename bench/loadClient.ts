import { Client, type ClientConfig } from "pg";
import { execute } from "./preparedStatement";
import { LOAD_NAME } from "./processes";
import { type Change, randomSource, Workload } from "./random";

/** Opens the session for the next run; answered by an empty reply. */
export interface ConnectRequest {
    readonly kind: "connect";
    readonly database: ClientConfig;
}

/** What one client process is to do with its session; times are milliseconds since 1970. */
export interface LoadRequest {
    readonly kind: "load";
    readonly seed: number;
    readonly keys: number;
    readonly firstNew: number;
    /** Which share of the keys this client updates. All shares are equal, and no client waits for another's row. */
    readonly share: { readonly index: number; readonly of: number };
    readonly changesPerTransaction: number;
    /** Transactions per second with random gaps, whatever the replies; undefined: the next one right after the reply. */
    readonly rate?: number;
    readonly from: number;
    readonly measureFrom: number;
    readonly until: number;
}

/** One client's measurements between `measureFrom` and `until`. */
export interface LoadReply {
    /** From the moment a transaction was due until the reply to its last statement, in milliseconds. */
    readonly latencies: readonly number[];
    readonly error?: string;
}

const STATEMENTS = `
    PREPARE change_update AS UPDATE items SET price = $2 WHERE item_id = $1;
    PREPARE change_insert AS INSERT INTO items (item_id, name, price) VALUES ($1, 'inserted by the load', $2);
    PREPARE change_delete AS DELETE FROM items WHERE item_id = $1;
`;

/** Waits without the millisecond steps of timers; blocks this process, which has nothing else to do then. */
function sleepUntil(when: number): void {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const rest = when - now();
    if (rest > 0) {
        Atomics.wait(cell, 0, 0, rest);
    }
}

/** Milliseconds since 1970 with their fraction. */
function now(): number {
    return performance.timeOrigin + performance.now();
}

async function load(client: Client, request: LoadRequest): Promise<number[]> {
    const random = randomSource(request.seed);
    const pauses = randomSource(request.seed + 1);
    const workload = new Workload(random, request.keys, request.firstNew);
    const latencies: number[] = [];
    sleepUntil(request.from);
    for (let due = now(); due < request.until;) {
        if (request.rate !== undefined) {
            due += (-Math.log(1 - pauses()) * 1000) / request.rate;
            sleepUntil(due);
        } else {
            due = now();
        }
        await transact(client, request, () => workload.change(), random);
        const replied = now();
        if (replied >= request.measureFrom && replied < request.until) {
            latencies.push(replied - due);
        }
        if (replied >= request.until) {
            break;
        }
    }
    return latencies;
}

/** One transaction; a single change needs no BEGIN. */
async function transact(
    client: Client,
    { changesPerTransaction, share }: LoadRequest,
    next: () => Change,
    random: () => number,
): Promise<void> {
    if (changesPerTransaction > 1) {
        await client.query("BEGIN");
    }
    for (let count = 0; count < changesPerTransaction; count += 1) {
        const { kind, id } = next();
        const own = kind === "update" ? id - ((id - 1) % share.of) + share.index : id;
        const price = (random() * 1000).toFixed(2);
        await execute(
            client,
            `change_${kind}`,
            kind === "delete" ? [String(own)] : [String(own), price],
        );
    }
    if (changesPerTransaction > 1) {
        await client.query("COMMIT");
    }
}

let client: Client | undefined;

async function answer(request: ConnectRequest | LoadRequest): Promise<LoadReply> {
    try {
        if (request.kind === "connect") {
            // The last run's session stays until now, so that its CPU time can be read at the end of the run.
            await client?.end();
            client = new Client({ ...request.database, application_name: LOAD_NAME });
            client.on("error", () => undefined);
            await client.connect();
            await client.query(STATEMENTS);
            return { latencies: [] };
        }
        if (client === undefined) {
            throw new Error("There is no session to run the load in.");
        }
        return { latencies: await load(client, request) };
    } catch (error) {
        return { latencies: [], error: String(error) };
    }
}

process.on("message", (request: ConnectRequest | LoadRequest) => {
    void answer(request).then((reply) => process.send?.(reply));
});
process.on("disconnect", () => process.exit(0));
