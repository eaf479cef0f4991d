import { Client, type ClientConfig } from "pg";
import {
    commitTimestamp,
    formatSequence,
    nextSequence,
    streamPosition,
} from "../local/dms/apply/headerValues";
import { FIRST_SEQUENCE } from "../local/dms/task/checkpoint";
import { execute } from "./preparedStatement";
import { cpuSeconds } from "./processes";
import { type Change, randomSource, Workload } from "./random";

export type ApplyRequest =
    | { readonly kind: "connect"; readonly database: ClientConfig; readonly statements: string }
    | {
          readonly kind: "apply";
          /** Prefix of the prepared statements; `bare` for the bare INSERT. */
          readonly target: string;
          readonly keys: number;
          readonly perCommit: number;
          readonly milliseconds: number;
      };

export interface ApplyReply {
    /** The number of the connection's server process. */
    readonly pid: number;
    readonly changes: number;
    readonly seconds: number;
    readonly backendSeconds: number;
    readonly error?: string;
}

/** DMS's headers of one change after the other, each a source transaction of its own. */
class Headers {
    private lsn = 0x100_0000_0000n;
    private sequence = FIRST_SEQUENCE;

    next(kind: Change["kind"]): { stamp: string; position: string; sequence: string } {
        const stamp = commitTimestamp(
            new Date().toISOString().replace("T", " ").replace("Z", "+00"),
        );
        this.lsn += 128n;
        this.sequence = nextSequence(this.sequence, stamp);
        return {
            stamp,
            position: streamPosition("change-and-commit", kind, this.lsn, this.lsn),
            sequence: formatSequence(this.sequence),
        };
    }
}

const headers = new Headers();
const workloads = new Map<string, Workload>();
const random = randomSource(1);
let client: Client | undefined;
let backend = 0;

function stagingChange(target: string, change: Change): [string, (string | null)[]] {
    const { stamp, position, sequence } = headers.next(change.kind);
    const id = String(change.id);
    const letter = { update: "U", insert: "I", delete: "D" }[change.kind];
    const header = [letter, stamp, position, sequence];
    const row = [id, `item ${id}`, (random() * 1000).toFixed(2)];
    switch (change.kind) {
        case "update":
            return [`${target}_update`, [...row, ...header, id]];
        case "insert":
            return [`${target}_insert`, [...row, ...header]];
        case "delete":
            return [`${target}_delete`, [null, null, ...header, id]];
    }
}

function bareInsert(change: Change): [string, (string | null)[]] {
    const { stamp, position, sequence } = headers.next(change.kind);
    const row = (): string =>
        `{"item_id": ${change.id}, "name": "item ${change.id}", "price": ${(random() * 1000).toFixed(2)}}`;
    const letter = { update: "U", insert: "I", delete: "D" }[change.kind];
    const before = change.kind === "insert" ? null : row();
    const after = change.kind === "delete" ? null : row();
    const key = `{"item_id": ${change.id}}`;
    return ["bare_insert", [letter, key, before, after, `${stamp}+00`, position, sequence]];
}

async function apply(
    session: Client,
    { target, keys, perCommit, milliseconds }: ApplyRequest & { kind: "apply" },
): Promise<Omit<ApplyReply, "pid">> {
    const workload = workloads.get(target) ?? new Workload(random, keys, keys + 1);
    workloads.set(target, workload);
    const cpu = cpuSeconds(backend);
    const started = performance.now();
    let changes = 0;
    while (performance.now() - started < milliseconds) {
        await session.query("BEGIN");
        for (let count = 0; count < perCommit; count += 1) {
            const change = workload.change();
            await execute(
                session,
                ...(target === "bare" ? bareInsert(change) : stagingChange(target, change)),
            );
        }
        await session.query("COMMIT");
        changes += perCommit;
    }
    const seconds = (performance.now() - started) / 1000;
    return { changes, seconds, backendSeconds: cpuSeconds(backend) - cpu };
}

async function answer(request: ApplyRequest): Promise<ApplyReply> {
    const nothing = { pid: backend, changes: 0, seconds: 0, backendSeconds: 0 };
    try {
        if (request.kind === "connect") {
            client = new Client(request.database);
            client.on("error", () => undefined);
            await client.connect();
            await client.query(request.statements);
            const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
            backend = rows[0]?.pid ?? 0;
            return { ...nothing, pid: backend };
        }
        if (client === undefined) {
            throw new Error("There is no session to apply changes in.");
        }
        return { pid: backend, ...(await apply(client, request)) };
    } catch (error) {
        return { ...nothing, error: String(error) };
    }
}

process.on("message", (request: ApplyRequest) => {
    void answer(request).then((reply) => process.send?.(reply));
});
process.on("disconnect", () => process.exit(0));
