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
    /** What is to be written next; one buffer for all, because garbage of this amount is collected too late. */
    private block = Buffer.alloc(0);
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
        let buffer = Buffer.allocUnsafe(BLOCK_BYTES);
        let held = 0;
        for (let position = 0; ;) {
            const length = readSync(this.file, buffer, held, buffer.length - held, position);
            if (length === 0) {
                return;
            }
            position += length;
            held += length;
            let at = 0;
            for (let size = sizeAt(buffer, at, held); at + size <= held;) {
                yield {
                    lsn: buffer.readBigUInt64BE(at + 4),
                    text: buffer.toString("utf8", at + HEADER_BYTES, at + size),
                };
                at += size;
                size = sizeAt(buffer, at, held);
            }
            buffer.copyWithin(0, at, held);
            held -= at;
            if (held === buffer.length) {
                buffer = Buffer.concat([buffer], 2 * held);
            }
        }
    }

    dispose(): void {
        this.memory = [];
        this.block = Buffer.alloc(0);
        if (this.file !== undefined) {
            closeSync(this.file);
            this.file = undefined;
            rmSync(this.name, { force: true });
        }
    }

    private spill(): void {
        mkdirSync(this.folder, { recursive: true, mode: 0o700 });
        this.file = openSync(this.name, "w+", 0o600);
        this.block = Buffer.allocUnsafe(BLOCK_BYTES);
        for (const change of this.memory) {
            this.write(change);
        }
        this.memory = [];
    }

    private write({ lsn, text }: RawChange): void {
        const size = HEADER_BYTES + Buffer.byteLength(text);
        if (this.pendingBytes + size > this.block.length) {
            this.flush();
        }
        if (size > this.block.length) {
            this.block = Buffer.allocUnsafe(size);
        }
        const at = this.pendingBytes;
        this.block.writeUInt32BE(size - HEADER_BYTES, at);
        this.block.writeBigUInt64BE(lsn, at + 4);
        this.block.write(text, at + HEADER_BYTES);
        this.pendingBytes += size;
    }

    private flush(): void {
        if (this.file !== undefined) {
            for (let done = 0; done < this.pendingBytes;) {
                done += writeSync(this.file, this.block, done, this.pendingBytes - done);
            }
            this.pendingBytes = 0;
        }
    }
}

/** Size of the record that begins at `at`, more than any buffer when even its header is incomplete. */
function sizeAt(buffer: Buffer, at: number, end: number): number {
    return at + HEADER_BYTES > end
        ? Number.MAX_SAFE_INTEGER
        : HEADER_BYTES + buffer.readUInt32BE(at);
}
