import type { TableDefinition } from "../trail/tableDefinition";
import type { Database } from "./database";
import type { InexactColumn } from "./exactValues";
import { isExplained, type RowHash, type Version } from "./keyVersions";
import type { Markers } from "./markers";
import { type LookupScripts, lookupScripts } from "./tableScripts";

/**
 * A transaction becomes visible a moment after its commit record is written, so that a reader may miss one that the
 * audit side has already applied. A further look settles it.
 */
const LOOKS = 3;

/** A key, its row at the source, and the states that the trail has for it: in none of which it is, where it is unexplained. */
export interface Unexplained {
    /** JSON text. */
    readonly key: string;
    readonly row: RowHash;
    /** The source's row as JSON text. */
    readonly image: string | null;
    /** What its row has besides that, column by column. */
    readonly told: readonly (string | null)[];
    readonly versions: readonly Version[];
}

/** A column in which the trail has another value than the source. */
export interface DifferingColumn {
    readonly name: string;
    /** Whether it is the beginning of the source's value, ended where DMS cuts large values. */
    readonly is_cut: boolean;
}

/** A key of which the source's row is what the log says, as far as that says anything, and the staging row is not. */
export interface SilentDifference {
    /** JSON text. */
    readonly key: string;
    readonly row: RowHash;
    /** The columns of which the key's last log row says nothing: they came later. */
    readonly columns: readonly string[];
}

/** A key of which the source's row and the staging row differ only by what the log cannot hold. */
export interface BlurredDifference {
    /** JSON text. */
    readonly key: string;
    readonly columns: readonly InexactColumn[];
}

/** What a look at some keys has found. */
export interface Judgement {
    readonly unexplained: readonly Unexplained[];
    readonly silent: readonly SilentDifference[];
    readonly blurred: readonly BlurredDifference[];
}

/** Looks single keys up at the source and in the log. */
export class KeyLookup {
    private readonly scripts: LookupScripts;

    constructor(
        private readonly source: Database,
        private readonly audit: Database,
        private readonly markers: Markers,
        definition: TableDefinition,
        stagingColumns: readonly string[],
        private readonly inexact: readonly InexactColumn[],
    ) {
        this.scripts = lookupScripts(definition, stagingColumns, inexact);
    }

    /**
     * Returns those of the keys that the trail does not explain: at the source, their rows are in no state that the log has
     * for any moment between two markers around the reading.
     */
    async unexplained(keys: readonly string[]): Promise<readonly Unexplained[]> {
        return (await this.judge(keys)).unexplained;
    }

    /**
     * As {@link unexplained}; and of those that are explained, and did not change meanwhile, the ones whose staging row differs
     * in columns of which the log says nothing, or by what it cannot hold, so that nothing else would tell.
     */
    async judge(keys: readonly string[]): Promise<Judgement> {
        const { appliedXid } = await this.markers.pass();
        const quiet: Unexplained[] = [];
        let left: Unexplained[] = [];
        let asked = keys;
        for (let look = 0; look < LOOKS && asked.length > 0; look += 1) {
            const seen = await this.look(asked, appliedXid);
            quiet.push(...seen.filter(isQuiet));
            left = seen.filter(({ row, versions }) => !isExplained(row, versions));
            asked = left.map(({ key }) => key);
        }
        return {
            unexplained: left,
            silent: await this.silent(quiet, appliedXid),
            blurred: await this.blurred(quiet, appliedXid),
        };
    }

    /** Of rows that were the same all the time between two markers. */
    private async silent(
        rows: readonly Unexplained[],
        windowStart: string,
    ): Promise<SilentDifference[]> {
        if (rows.length === 0) {
            return [];
        }
        const found = await this.audit.rows<{ at: number; columns: string[] }>(
            this.scripts.silentColumns,
            [
                `[${rows.map(({ key }) => key).join(",")}]`,
                rows.map(({ image }) => image),
                windowStart,
            ],
        );
        return found.flatMap(({ at, columns }) => {
            const one = rows[at - 1];
            return one === undefined ? [] : [{ key: one.key, row: one.row, columns }];
        });
    }

    /** As {@link silent}, for what JSON does not tell. */
    private async blurred(
        rows: readonly Unexplained[],
        windowStart: string,
    ): Promise<BlurredDifference[]> {
        if (rows.length === 0 || this.inexact.length === 0) {
            return [];
        }
        const found = await this.audit.rows<{ at: number; told: (string | null)[] }>(
            this.scripts.toldApart,
            [`[${rows.map(({ key }) => key).join(",")}]`, windowStart],
        );
        return found.flatMap(({ at, told }) => {
            const one = rows[at - 1];
            const columns = this.inexact.filter((_, place) => one?.told[place] !== told[place]);
            return one === undefined || columns.length === 0 ? [] : [{ key: one.key, columns }];
        });
    }

    /**
     * The columns in which a key's row differs, where both sides have one. A value that DMS has cut is entered into the gap
     * ledger.
     */
    async differingColumns({ key, image }: Unexplained): Promise<DifferingColumn[]> {
        if (image === null) {
            return [];
        }
        const columns = await this.audit.rows<DifferingColumn>(this.scripts.differingColumns, [
            key,
            image,
        ]);
        for (const { name } of columns.filter(({ is_cut }) => is_cut)) {
            await this.audit.rows(this.scripts.recordCut, [key, name]);
        }
        return columns;
    }

    private async look(keys: readonly string[], windowStart: string): Promise<Unexplained[]> {
        const list = `[${keys.join(",")}]`;
        const rows = await this.source.rows<{
            hash: RowHash;
            image: string | null;
            told: (string | null)[] | null;
        }>(this.scripts.sourceRows, [list]);
        await this.markers.pass();
        const versions = keys.map((): Version[] => []);
        const found = await this.audit.rows<{ at: number; is_before: boolean; hash: RowHash }>(
            this.scripts.versions,
            [list, windowStart],
        );
        for (const { at, is_before, hash } of found) {
            versions[at - 1]?.push({ isBefore: is_before, hash });
        }
        return keys.map((key, at) => ({
            key,
            row: rows[at]?.hash ?? null,
            image: rows[at]?.image ?? null,
            told: rows[at]?.told ?? [],
            versions: versions[at] ?? [],
        }));
    }
}

/** Whether the log has known nothing else of a row that is there since before the window began. */
function isQuiet({ row, versions }: Unexplained): boolean {
    return row !== null && versions.every(({ isBefore, hash }) => isBefore && hash === row);
}
