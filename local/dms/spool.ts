import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** A change as it came from the source, parsed only when it is applied. */
export interface RawChange {
    readonly lsn: bigint;
    readonly text: string;
}

const HEADER_BYTES = 12;
const BLOCK_BYTES = 1 << 20;

/**
 * The changes of one transaction: in memory up to a limit, then in a file. test_decoding gives the commit time last, so
 * that no change can be applied before the whole transaction is here.
 */
export class Spool {
    private memory: RawChange[] = [];
    private pending: Buffer[] = [];
    private pendingBytes = 0;
    private file: number | undefined;
    private readonly name: string;
    bytes = 0;
    count = 0;

    constructor(
        private readonly folder: string,
        id: number,
        private readonly limitBytes: number,
    ) {
        this.name = path.join(folder, `${id}.spool`);
    }

    get isSpilled(): boolean {
        return this.file !== undefined;
    }

    /** Bytes held in memory. */
    get memoryBytes(): number {
        return this.isSpilled ? this.pendingBytes : this.bytes;
    }

    append(change: RawChange): void {
        this.count += 1;
        this.bytes += HEADER_BYTES + change.text.length;
        if (this.file === undefined) {
            this.memory.push(change);
            if (this.bytes > this.limitBytes) {
                this.spill();
            }
        } else {
            this.write(change);
        }
    }

    /** All changes in order. */
    *read(): Generator<RawChange> {
        if (this.file === undefined) {
            yield* this.memory;
            return;
        }
        this.flush();
        let rest = Buffer.alloc(0);
        for (let position = 0; ;) {
            const block = Buffer.alloc(BLOCK_BYTES);
            const length = readSync(this.file, block, 0, BLOCK_BYTES, position);
            if (length === 0) {
                return;
            }
            position += length;
            rest = Buffer.concat([rest, block.subarray(0, length)]);
            let at = 0;
            for (let size = sizeAt(rest, at); at + size <= rest.length; size = sizeAt(rest, at)) {
                yield {
                    lsn: rest.readBigUInt64BE(at + 4),
                    text: rest.toString("utf8", at + HEADER_BYTES, at + size),
                };
                at += size;
            }
            rest = rest.subarray(at);
        }
    }

    dispose(): void {
        this.memory = [];
        this.pending = [];
        if (this.file !== undefined) {
            closeSync(this.file);
            this.file = undefined;
            rmSync(this.name, { force: true });
        }
    }

    private spill(): void {
        mkdirSync(this.folder, { recursive: true, mode: 0o700 });
        this.file = openSync(this.name, "w+", 0o600);
        for (const change of this.memory) {
            this.write(change);
        }
        this.memory = [];
    }

    private write({ lsn, text }: RawChange): void {
        const body = Buffer.from(text, "utf8");
        const header = Buffer.alloc(HEADER_BYTES);
        header.writeUInt32BE(body.length, 0);
        header.writeBigUInt64BE(lsn, 4);
        this.pending.push(header, body);
        this.pendingBytes += HEADER_BYTES + body.length;
        if (this.pendingBytes >= BLOCK_BYTES) {
            this.flush();
        }
    }

    private flush(): void {
        if (this.file !== undefined && this.pendingBytes > 0) {
            const block = Buffer.concat(this.pending);
            for (let done = 0; done < block.length;) {
                done += writeSync(this.file, block, done);
            }
            this.pending = [];
            this.pendingBytes = 0;
        }
    }
}

/** Size of the record that begins at `at`, more than any buffer when even its header is incomplete. */
function sizeAt(buffer: Buffer, at: number): number {
    return at + HEADER_BYTES > buffer.length
        ? Number.MAX_SAFE_INTEGER
        : HEADER_BYTES + buffer.readUInt32BE(at);
}
