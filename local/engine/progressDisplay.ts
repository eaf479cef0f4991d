import { StatusLine } from "../../text/statusLine";
import { type OperationState, operationWords, stepWords } from "./progressLine";

/** How often a line of progress is written where lines cannot be overwritten, in milliseconds. */
const LINE_EVERY_MS = 5_000;

/** Shows how far an operation of the engine is. */
export class ProgressDisplay {
    private readonly started = Date.now();
    private readonly done = new Set<string>();
    /** What the engine has begun and not ended, the longest first. */
    private readonly underWay = new Map<string, string>();
    private step: string | undefined;
    private readonly line: StatusLine;

    /** @param total the number of resources, where it is known. */
    constructor(
        output: NodeJS.WriteStream,
        private readonly total?: number,
    ) {
        const status = (): OperationState & { readonly words: string } => {
            const { state } = this;
            return { ...state, words: operationWords(state) };
        };
        this.line = new StatusLine(output, status, LINE_EVERY_MS);
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

    /** Writes whole lines of something else, which the bar makes room for. */
    interleave(text: string): void {
        this.line.interleave(text);
    }

    /** Takes the bar away for good. */
    end(): void {
        this.line.end();
    }

    private show(): void {
        const [longest] = this.underWay.values();
        // Between two steps the last one stays.
        this.step = longest ?? this.step;
        this.line.show();
    }

    private get state(): OperationState {
        const seconds = Math.round((Date.now() - this.started) / 1000);
        return { done: this.done.size, total: this.total, seconds, step: this.step };
    }
}
