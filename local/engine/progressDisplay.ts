import { barLine, type OperationState, plainLine, resourceWords } from "./progressLine";
import { terminalOf } from "./terminal";

/** How often a line of progress is written where lines cannot be overwritten, in milliseconds. */
const LINE_EVERY_MS = 5_000;

/** How often the time in the bar moves on while nothing else does, in milliseconds. */
const TICK_MS = 1_000;

/** Takes back the line that the cursor is in. */
const CLEAR = "\r\u001b[K";

/** Shows how far an operation is: one line that is overwritten on a terminal, a line now and then elsewhere. */
export class ProgressDisplay {
    private readonly started = Date.now();
    private lastLine = 0;
    private readonly done = new Set<string>();
    private last: string | undefined;
    private isShown = false;
    private hasEnded = false;
    private readonly timer: NodeJS.Timeout | undefined;

    /** @param total the number of resources, where it is known. */
    constructor(
        private readonly output: NodeJS.WriteStream,
        private readonly total?: number,
    ) {
        if (this.columns !== undefined) {
            this.timer = setInterval(() => {
                this.draw();
            }, TICK_MS);
            this.timer.unref();
        }
    }

    /** A resource of which the engine has ended a step; a replaced one has several. */
    resourceDone(urn: string): void {
        this.done.add(urn);
        this.last = resourceWords(urn);
        if (this.columns !== undefined) {
            this.draw();
        } else if (!this.hasEnded && Date.now() - this.lastLine >= LINE_EVERY_MS) {
            this.lastLine = Date.now();
            this.output.write(`${plainLine(this.state)}\n`);
        }
    }

    /** Writes whole lines of something else, which the bar makes room for. */
    interleave(text: string): void {
        this.clear();
        this.output.write(text);
        if (text.endsWith("\n")) {
            this.draw();
        }
    }

    /** Takes the bar away for good. */
    end(): void {
        this.hasEnded = true;
        clearInterval(this.timer);
        this.clear();
    }

    private get columns(): number | undefined {
        return terminalOf(this.output, process.env).columns;
    }

    private get state(): OperationState {
        const seconds = Math.round((Date.now() - this.started) / 1000);
        return { done: this.done.size, total: this.total, seconds, last: this.last };
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
            this.isShown = true;
            this.output.write(`${CLEAR}${barLine(this.state, columns, hasColours)}`);
        }
    }
}
