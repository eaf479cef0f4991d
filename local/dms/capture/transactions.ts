import type { TableName } from "../tableName";
import { type RawChange, Spool } from "./spool";
import { parseMessage, tablesOf } from "./testDecoding";

/** A committed source transaction with at least one change of a selected table. */
export interface Transaction {
    /** As PostgreSQL printed it, UTC. */
    readonly commitTimestamp: string;
    /** WAL position right after the commit record. */
    readonly endLsn: bigint;
    readonly count: number;
    readonly isSpilled: boolean;
    readonly memoryBytes: number;
    read(): Iterable<RawChange>;
    dispose(): void;
}

/** Puts the messages of the stream together into transactions. */
export class TransactionAssembler {
    private spool: Spool | undefined;
    private spools = 0;

    /** @param isSelected whether the task replicates a table */
    constructor(
        private readonly isSelected: (table: TableName) => boolean,
        private readonly folder: string,
        private readonly limitBytes: number,
    ) {}

    /** Takes one message; returns the transaction when it is complete and "empty" when nothing in it was selected. */
    take(lsn: bigint, text: string): Transaction | "empty" | undefined {
        if (text.startsWith("table ")) {
            if (tablesOf(text).some(this.isSelected)) {
                this.spool ??= new Spool(this.folder, (this.spools += 1), this.limitBytes);
                this.spool.append({ lsn, text });
            }
            return undefined;
        }
        const message = parseMessage(text);
        if (message.kind !== "commit") {
            return undefined;
        }
        const spool = this.spool;
        this.spool = undefined;
        if (spool === undefined) {
            return "empty";
        }
        return {
            commitTimestamp: message.timestamp,
            endLsn: lsn,
            count: spool.count,
            isSpilled: spool.isSpilled,
            memoryBytes: spool.memoryBytes,
            read: () => spool.read(),
            dispose: () => {
                spool.dispose();
            },
        };
    }

    dispose(): void {
        this.spool?.dispose();
        this.spool = undefined;
    }
}
