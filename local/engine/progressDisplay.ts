import { barLine, type OperationState, plainLine, stepWords } from "./progressLine";
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
    /** What the engine has begun and not ended, the longest first. */
    private readonly underWay = new Map<string, string>();
    private step: string | undefined;
    private isShown = false;
    private hasEnded = false;
    private readonly timer: NodeJS.Timeout | undefined;

    /** @param total the number of resources, where it is known. */
    constructor(
        private readonly output: NodeJS.WriteStream,
        private readonly total?: number,
    ) {
        if (this.columns !== undefined) {
            this.draw();
            this.timer = setInterval(() => {
                this.draw();
            }, TICK_MS);
            this.timer.unref();
        }
    }

    /**
     * A resource of which the engine has begun a step. Of several at a time that one is shown which takes the longest.
     *
     * @param operation the engine's word for the step; undefined where nothing is done to the resource
     */
    resourceBegun(urn: string, operation?: string): void {
        this.underWay.set(urn, stepWords(urn, operation));
        this.show();
    }

    /** A resource of which the engine has ended a step; a replaced one has several. */
    resourceDone(urn: string): void {
        this.done.add(urn);
        this.underWay.delete(urn);
        this.show();
    }

    private show(): void {
        const [longest] = this.underWay.values();
        // Between two steps the last one stays.
        this.step = longest ?? this.step;
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
        return { done: this.done.size, total: this.total, seconds, step: this.step };
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
