import { trailNames } from "../components/trail/names";
import type { SqlFile, TableShape } from "../components/trail/shape";
import { renderSql } from "../components/trail/template";
import type { Database } from "./database";
import { keyVariables, rowImage } from "./fragments";
import type { Markers } from "./markers";
import { isExplained, type RowHash, type Version } from "./versions";

/**
 * A transaction becomes visible a moment after its commit record is written, so that a reader may miss one that the
 * audit side has already applied. A further look settles it.
 */
const LOOKS = 3;

/** A key whose row at the source is in none of the states that the trail has for it. */
export interface Unexplained {
    /** JSON text. */
    readonly key: string;
    readonly row: RowHash;
    /** The source's row as JSON text. */
    readonly image: string | null;
    readonly versions: readonly Version[];
}

/** A column in which the trail has another value than the source. */
export interface DifferingColumn {
    readonly name: string;
    /** Whether it is the beginning of the source's value, ended where DMS cuts large values. */
    readonly is_cut: boolean;
}

/** Looks single keys up at the source and in the log. */
export class KeyLookup {
    private readonly sourceRows: SqlFile;
    private readonly versions: SqlFile;
    private readonly columns: SqlFile;
    private readonly recordCut: SqlFile;

    constructor(
        private readonly source: Database,
        private readonly audit: Database,
        private readonly markers: Markers,
        shape: TableShape,
        stagingColumns: readonly string[],
    ) {
        this.sourceRows = renderSql("sql/verify/source_rows.sql", {
            ...keyVariables(shape, "source"),
            image: rowImage("source", shape, stagingColumns),
        });
        const log = {
            schema: shape.schema,
            audit_log: trailNames(shape).auditLog,
            image: rowImage("log", shape, stagingColumns),
        };
        this.versions = renderSql("sql/verify/log_versions.sql", log);
        this.columns = renderSql("sql/verify/differing_columns.sql", log);
        this.recordCut = renderSql("sql/verify/record_cut_value.sql", {
            schema: shape.schema,
            staging: trailNames(shape).staging,
        });
    }

    /**
     * Returns those of the keys that the trail does not explain: at the source, their rows are in no state that the log has
     * for any moment between two markers around the reading.
     */
    async unexplained(keys: readonly string[]): Promise<Unexplained[]> {
        const { appliedXid } = await this.markers.pass();
        let left: Unexplained[] = [];
        let asked = keys;
        for (let look = 0; look < LOOKS && asked.length > 0; look += 1) {
            left = await this.look(asked, appliedXid);
            asked = left.map(({ key }) => key);
        }
        return left;
    }

    /**
     * The columns in which a key's row differs, where both sides have one. A value that DMS has cut is entered into the gap
     * ledger.
     */
    async differingColumns({ key, image }: Unexplained): Promise<DifferingColumn[]> {
        if (image === null) {
            return [];
        }
        const columns = await this.audit.rows<DifferingColumn>(this.columns, [key, image]);
        for (const { name } of columns.filter(({ is_cut }) => is_cut)) {
            await this.audit.rows(this.recordCut, [key, name]);
        }
        return columns;
    }

    private async look(keys: readonly string[], windowStart: string): Promise<Unexplained[]> {
        const list = `[${keys.join(",")}]`;
        const rows = await this.source.rows<{ hash: RowHash; image: string | null }>(
            this.sourceRows,
            [list],
        );
        await this.markers.pass();
        const versions = keys.map((): Version[] => []);
        const found = await this.audit.rows<{ at: number; is_before: boolean; hash: RowHash }>(
            this.versions,
            [list, windowStart],
        );
        for (const { at, is_before, hash } of found) {
            versions[at - 1]?.push({ isBefore: is_before, hash });
        }
        return keys
            .map((key, at) => ({
                key,
                row: rows[at]?.hash ?? null,
                image: rows[at]?.image ?? null,
                versions: versions[at] ?? [],
            }))
            .filter(({ row, versions: known }) => !isExplained(row, known));
    }
}
