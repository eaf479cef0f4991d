import { EngineEvent } from "@pulumi/pulumi/automation";

/** How often a line of progress is written where lines cannot be overwritten, in milliseconds. */
const LINE_EVERY_MS = 5_000;

/** What the engine reported, gathered for the closing message. */
export interface EngineReport {
    /** Error diagnostics, each once, without stacks. */
    readonly errors: readonly string[];
    readonly warnings: readonly string[];
    /** Violations of mandatory policies: `rule: resource: message`. */
    readonly violations: readonly string[];
    /** Number of resources per operation: create, update, same, ... */
    readonly changes: Readonly<Record<string, number>>;
    readonly policyPacks: readonly string[];
}

/** A diagnostic as a person reads it: no colour marks, no stack, no `error:` prefix. */
export function plainMessage(message: string): string {
    return message
        .replace(/<\{%[^%]*%\}>/g, "")
        .split("\n")
        .filter((line) => !/^\s+at .+(:\d+:\d+\)?|<anonymous>\)?|native\)?)$/.test(line))
        .join("\n")
        .replace(/^(\s*(error|Error):\s+)+/, "")
        .trim();
}

/** The name part of a URN. */
function nameOf(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/** Listens to the engine's events: shows how far it is, and keeps what the closing message needs. */
export class Progress {
    private readonly started = Date.now();
    private lastLine = 0;
    private done = 0;
    private readonly errors = new Set<string>();
    private readonly warnings = new Set<string>();
    private readonly violations = new Set<string>();
    private readonly packs = new Set<string>();
    private changes: Record<string, number> = {};

    constructor(private readonly output: NodeJS.WriteStream) {}

    /** Takes one event; bound, so that it can be handed to the Automation API as it is. */
    readonly onEvent = (event: EngineEvent): void => {
        if (event.diagnosticEvent) {
            const { severity, message } = event.diagnosticEvent;
            const target =
                severity === "error"
                    ? this.errors
                    : severity === "warning"
                      ? this.warnings
                      : undefined;
            const text = plainMessage(message);
            if (text !== "") {
                target?.add(text);
            }
        }
        if (event.policyEvent?.enforcementLevel === "mandatory") {
            const { policyName, resourceUrn, message } = event.policyEvent;
            const where = resourceUrn === undefined ? "" : `${nameOf(resourceUrn)}: `;
            this.violations.add(`${policyName}: ${where}${plainMessage(message)}`);
        }
        if (event.summaryEvent) {
            this.changes = { ...event.summaryEvent.resourceChanges };
            Object.keys(event.summaryEvent.policyPacks).forEach((pack) => this.packs.add(pack));
        }
        const ended = event.resOutputsEvent?.metadata;
        if (ended) {
            this.done += 1;
            this.show(`${String(this.done)} resources, last: ${nameOf(ended.urn)}`);
        }
    };

    /** Ends the line of progress and tells what was gathered. */
    finish(): EngineReport {
        if (this.output.isTTY) {
            this.output.write("\r\u001b[K");
        }
        return {
            errors: [...this.errors],
            warnings: [...this.warnings],
            violations: [...this.violations],
            changes: this.changes,
            policyPacks: [...this.packs],
        };
    }

    private show(text: string): void {
        const seconds = Math.round((Date.now() - this.started) / 1000);
        const line = `  ${String(seconds)} s: ${text}`;
        if (this.output.isTTY) {
            this.output.write(`\r\u001b[K${line.slice(0, (this.output.columns || 80) - 1)}`);
        } else if (Date.now() - this.lastLine >= LINE_EVERY_MS) {
            this.lastLine = Date.now();
            this.output.write(`${line}\n`);
        }
    }
}
