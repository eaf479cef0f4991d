import { progressBar, type Share } from "./progressBar";
import { terminalOf } from "./terminal";

/** How often the time in the line moves on while nothing else does, in milliseconds. */
const TICK_MS = 1_000;

/** After how long without a line one is written where lines cannot be overwritten, in milliseconds. */
const QUIET_MS = 15_000;

/** Takes back the line that the cursor is in. */
const CLEAR = "\r\u001b[K";

/** What a line of progress tells. */
export interface Status extends Share {
    /** Without control characters. */
    readonly words: string;
}

/**
 * One line about work that takes long: overwritten on a terminal, and elsewhere a line now and then. It is asked for again
 * each second, so that work that hangs shows since when.
 */
export class StatusLine {
    private readonly started = Date.now();
    private lastLine: number | undefined;
    private isShown = false;
    private hasEnded = false;
    private readonly timer: NodeJS.Timeout;

    /**
     * @param status tells how far the work is now
     * @param everyMs the least time between two lines where lines cannot be overwritten
     */
    constructor(
        private readonly output: NodeJS.WriteStream,
        private readonly status: () => Status,
        private readonly everyMs: number,
    ) {
        this.timer = setInterval(() => {
            if (this.isTerminal) {
                this.draw();
            } else if (Date.now() - (this.lastLine ?? this.started) >= QUIET_MS) {
                this.write();
            }
        }, TICK_MS);
        this.timer.unref();
        this.draw();
    }

    /** Something has changed. */
    show(): void {
        if (this.isTerminal) {
            this.draw();
        } else if (!this.hasEnded && Date.now() - (this.lastLine ?? 0) >= this.everyMs) {
            this.write();
        }
    }

    /** Writes whole lines of something else, which the line makes room for. */
    interleave(text: string): void {
        this.clear();
        this.output.write(text);
        if (text.endsWith("\n")) {
            this.draw();
        }
    }

    /** Takes the line away for good. */
    end(): void {
        this.hasEnded = true;
        clearInterval(this.timer);
        this.clear();
    }

    private get isTerminal(): boolean {
        return terminalOf(this.output, process.env).columns !== undefined;
    }

    private write(): void {
        this.lastLine = Date.now();
        this.output.write(`  ${this.status().words}\n`);
    }

    private clear(): void {
        if (this.isShown) {
            this.output.write(CLEAR);
            this.isShown = false;
        }
    }

    private draw(): void {
        const { columns, hasColours } = terminalOf(this.output, process.env);
        if (!this.hasEnded && columns !== undefined) {
            const status = this.status();
            this.isShown = true;
            this.output.write(`${CLEAR}${progressBar(status, status.words, columns, hasColours)}`);
        }
    }
}
