import type { TableDefinition } from "../trail/tableDefinition";
import { excludedNotes } from "./chosenColumns";
import { compareRows } from "./compareRows";
import { checkConsistency } from "./consistency";
import type { Database } from "./database";
import { type Acknowledgement, Differences, Notes, readAcknowledgements } from "./differences";
import { type InexactColumn, inexactColumns, type TypedColumn } from "./exactValues";
import { KeyLookup } from "./keyLookup";
import type { Markers } from "./markers";
import type { TableReport, VerifySettings } from "./report";

/** What the comparison of one table's rows works with. */
export interface RowsContext {
    readonly source: Database;
    readonly audit: Database;
    readonly markers: Markers;
    readonly settings: VerifySettings;
    /** Those of staging. */
    readonly columns: readonly TypedColumn[];
    /** Whether the task brings markers, and the source shows all rows. */
    readonly canCompare: boolean;
}

/** The rows of one table: first those of the source with staging, then the log with staging. */
export class TableRows {
    private acknowledgements: readonly Acknowledgement[] = [];
    private differences: Differences;
    private readonly notes = new Notes();
    private readonly lookup: KeyLookup;
    private readonly rowsOf: Database;
    private readonly stagingColumns: readonly string[];
    private readonly inexact: readonly InexactColumn[];
    private comparedUpTo: string | null = null;
    private rows = 0;
    private logRows = 0;

    constructor(
        private readonly context: RowsContext,
        private readonly definition: TableDefinition,
    ) {
        const { source, audit, markers, settings, columns } = context;
        this.stagingColumns = columns.map(({ name }) => name);
        this.inexact = inexactColumns(definition, columns);
        this.rowsOf = source.reading(definition);
        this.differences = new Differences(definition, settings.maxListed);
        const names = this.stagingColumns;
        this.lookup = new KeyLookup(this.rowsOf, audit, markers, definition, names, this.inexact);
    }

    /**
     * Compares the source's rows with staging where that can be done.
     *
     * @throws LockedError where somebody has locked what it reads
     */
    async compareWithSource(): Promise<void> {
        const { audit, markers, settings, canCompare } = this.context;
        this.acknowledgements = await readAcknowledgements(audit, this.definition);
        this.differences = new Differences(
            this.definition,
            settings.maxListed,
            this.acknowledgements,
        );
        if (canCompare) {
            const { commitTime } = await markers.pass();
            const { definition, stagingColumns, inexact, lookup, rowsOf } = this;
            this.rows = await compareRows(
                {
                    ...{ source: rowsOf, audit, markers, settings },
                    ...{ definition, stagingColumns, inexact, lookup },
                },
                this.differences,
                this.notes,
            );
            this.comparedUpTo = commitTime;
        }
    }

    /**
     * Compares the log with itself and with staging.
     *
     * @throws LockedError where somebody has locked what it reads
     */
    async compareWithLog(): Promise<void> {
        const { audit, settings, canCompare } = this.context;
        this.logRows = await checkConsistency(
            audit,
            this.definition,
            this.stagingColumns,
            settings.chunkRows,
            canCompare ? this.lookup : undefined,
            this.differences,
            this.notes,
        );
    }

    /** What was found so far. */
    get found(): Omit<TableReport, "table" | "complete" | "checks"> {
        const { comparedUpTo, rows, logRows, differences, acknowledgements } = this;
        return {
            comparedUpTo,
            rows,
            logRows,
            differences: differences.listed,
            differenceCount: differences.count,
            acknowledged: {
                differences: differences.acknowledged,
                gaps: acknowledgements.flatMap(({ gap_id: gap, kind, by, at, reason }) =>
                    gap === null ? [] : [{ gap, kind, by, at, reason }],
                ),
            },
            notes: [...this.notes.lines, ...excludedNotes(this.definition)],
        };
    }
}
