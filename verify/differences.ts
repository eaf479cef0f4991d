import { createHash } from "node:crypto";
import { formatTableName } from "../trail/names";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import type { Database } from "./database";
import type { Acknowledged, Difference } from "./report";
import { checkScripts } from "./tableScripts";

/** Beyond these a table is beyond repair row by row, and looking for more only costs time. */
export const ENOUGH = 10_000;

/** What somebody has explained, as sql/verify/acknowledgements.sql finds it: a gap, or a difference by its hash. */
export interface Acknowledgement {
    readonly gap_id: string | null;
    readonly finding: string | null;
    readonly kind: string;
    readonly by: string;
    /** ISO 8601, UTC. */
    readonly at: string;
    readonly reason: string;
}

/** What somebody has explained of one table and of all tables. */
export async function readAcknowledgements(
    audit: Database,
    definition: TableDefinition,
): Promise<Acknowledgement[]> {
    return await audit.rows<Acknowledgement>(checkScripts(definition).acknowledgements);
}

/** A difference as it is found. */
export interface Found extends Omit<Difference, "finding"> {
    /**
     * All that makes it this difference and no later one of the same key and kind: values' hashes, a log row's number.
     * Without it nobody can acknowledge the difference.
     */
    readonly evidence?: string;
}

/**
 * What an acknowledgement of a difference is bound to: 16 hexadecimal digits. Whatever else the same key has later is
 * another difference with other digits.
 */
export function findingOf(table: TableName, { key, kind, evidence = "" }: Found): string {
    return createHash("sha256")
        .update(JSON.stringify([formatTableName(table), key, kind, evidence]))
        .digest("hex")
        .slice(0, 16);
}

/** Collects a table's differences: all are counted, the first are kept; those that somebody has explained apart. */
export class Differences {
    readonly listed: Difference[] = [];
    readonly acknowledged: Acknowledged[] = [];
    private readonly explained: ReadonlyMap<string, Acknowledgement>;
    private total = 0;

    constructor(
        private readonly table: TableName,
        private readonly maxListed: number,
        acknowledgements: readonly Acknowledgement[] = [],
    ) {
        this.explained = new Map(
            acknowledgements.flatMap((one) => (one.finding === null ? [] : [[one.finding, one]])),
        );
    }

    get count(): number {
        return this.total;
    }

    /** Whether to stop looking. */
    get isEnough(): boolean {
        return this.total >= ENOUGH;
    }

    /** Whether the next one will be listed, so that its details are worth finding out. */
    get hasRoom(): boolean {
        return this.listed.length < this.maxListed;
    }

    /** Whether a difference of this kind may turn out to be explained, so that its evidence is worth finding out. */
    isExplained(kind: string): boolean {
        return [...this.explained.values()].some((one) => one.kind === kind);
    }

    add(found: Found): void {
        const { key, kind, detail, evidence } = found;
        const finding = evidence === undefined ? null : findingOf(this.table, found);
        const by = finding === null ? undefined : this.explained.get(finding);
        if (by !== undefined) {
            this.acknowledged.push({
                ...{ key, kind, detail, finding },
                ...{ by: by.by, at: by.at, reason: by.reason },
            });
            return;
        }
        if (this.hasRoom) {
            this.listed.push({ key, kind, detail, finding });
        }
        this.total += 1;
    }
}

/** Collects what is worth knowing of rows and is no difference: how often, and the first key. */
export class Notes {
    private readonly kinds = new Map<string, { count: number; example: string }>();
    private readonly said: string[] = [];

    say(lines: readonly string[]): void {
        this.said.push(...lines);
    }

    add(kind: string, key: string): void {
        const known = this.kinds.get(kind);
        this.kinds.set(kind, { count: (known?.count ?? 0) + 1, example: known?.example ?? key });
    }

    get lines(): string[] {
        const counted = [...this.kinds].map(
            ([kind, { count, example }]) => `${count} x ${kind}, first at ${example}`,
        );
        return [...counted, ...this.said];
    }
}
