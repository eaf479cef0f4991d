import type { SqlFile } from "../database/sqlTemplate";
import type { TableDefinition } from "../trail/tableDefinition";
import type { Database } from "./database";
import { type RangeScripts, rangeScripts } from "./tableScripts";

/** A range of keys, each as JSON text: behind `after`, up to `upTo`; null is no bound. */
export interface KeyRange {
    readonly after: string | null;
    readonly upTo: string | null;
}

/** Finds the key that ends a chunk behind another key; null when fewer rows than a chunk are left. */
export async function chunkEnd(
    database: Database,
    script: SqlFile,
    after: string | null,
    rows: number,
): Promise<string | null> {
    const [end] = await database.rows<{ row_key: string }>(script, [after, rows]);
    return end?.row_key ?? null;
}

/** Calls `work` for one range after the other, from the first key to the last. */
export async function forEachRange(
    next: (after: string | null) => Promise<string | null>,
    work: (range: KeyRange) => Promise<void>,
    isDone: () => boolean,
): Promise<void> {
    for (let after: string | null = null; ;) {
        const upTo = await next(after);
        await work({ after, upTo });
        if (upTo === null || isDone()) {
            return;
        }
        after = upTo;
    }
}

/**
 * Splits the keys of source and staging into common ranges, none of which holds more than a chunk on either side.
 *
 * The ends ascend in the source's order. Where the audit side orders keys otherwise (another collation), the ranges still
 * hold every key of both sides at least once, whatever the order: a key that is in none of the first ranges is greater than
 * each of their ends, and the last range has none. Rows then fall into other ranges than on the source, which costs time
 * and no more, because whatever differs is looked up by its key.
 */
export class CommonChunks {
    private readonly scripts: RangeScripts;

    constructor(
        private readonly source: Database,
        private readonly audit: Database,
        definition: TableDefinition,
        private readonly rows: number,
    ) {
        this.scripts = rangeScripts(definition);
    }

    /** The end of the range behind a key. */
    async end(after: string | null): Promise<string | null> {
        const sourceEnd = await chunkEnd(this.source, this.scripts.sourceEnd, after, this.rows);
        const stagingEnd = await chunkEnd(this.audit, this.scripts.stagingEnd, after, this.rows);
        if (stagingEnd === null || stagingEnd === sourceEnd) {
            return sourceEnd;
        }
        const { between } = await this.source.row<{ between: boolean | null }>(this.scripts.order, [
            after,
            sourceEnd,
            stagingEnd,
        ]);
        return between === true ? stagingEnd : sourceEnd;
    }
}
