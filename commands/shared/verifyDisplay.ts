import type { Share } from "../../text/progressBar";
import { StatusLine } from "../../text/statusLine";
import { printable } from "../../text/terminalLines";
import type { VerifyProgress } from "../../verify/progress";

/** Shows a person how far a verification is: a bar on a terminal, a line for each table elsewhere. */
export class VerifyDisplay implements VerifyProgress {
    private readonly started = Date.now();
    private state: Share = { done: 0 };
    private words = "the tables at the source";
    private readonly line: StatusLine;

    constructor(output: NodeJS.WriteStream) {
        const status = (): Share & { readonly words: string } => ({
            ...this.state,
            words: this.text(),
        });
        this.line = new StatusLine(output, status, 0);
    }

    begin(tables: number): void {
        this.state = { done: 0, total: tables };
    }

    /** What is under way is no line of its own where lines cannot be overwritten. */
    step(words: string): void {
        this.words = words;
    }

    tableDone(table: string): void {
        this.state = { ...this.state, done: this.state.done + 1 };
        this.words = table;
        this.line.show();
    }

    /** Takes the bar away for good. */
    end(): void {
        this.line.end();
    }

    private text(): string {
        const { done, total } = this.state;
        const seconds = Math.round((Date.now() - this.started) / 1000);
        const tables =
            total === undefined
                ? ""
                : `${String(done)} of ${String(total)} ${total === 1 ? "table" : "tables"}, `;
        return `${tables}${String(seconds)} s: ${printable(this.words)}`;
    }
}
