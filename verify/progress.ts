/** Is told how far a verification is. */
export interface VerifyProgress {
    /** How many tables it has. */
    begin(tables: number): void;
    /** What is under way, in a few words. */
    step(words: string): void;
    /** A table was verified, or it could not be. */
    tableDone(table: string): void;
}

const nothing = (): void => undefined;

/** Where nobody looks. */
export const NO_PROGRESS: VerifyProgress = { begin: nothing, step: nothing, tableDone: nothing };
