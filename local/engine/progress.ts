import type { EngineEvent, SummaryEvent } from "@pulumi/pulumi/automation";
import { type PlannedChange, PlannedChanges } from "./plannedChanges";
import { pluginProblem, spaceProblem } from "./pluginErrors";
import type { ProgressDisplay } from "./progressDisplay";

/** A CLI that was built from modules finds its bundled plugins in local/engine/shims, and says so each time. */
const SHIM_WARNING = /using pulumi-[a-z-]+ from \$PATH/;

/** The engine's plan, each line once, without its lines of progress and without the warnings about the shims. */
export function plainPlan(plan: string): string {
    const lines = plan
        .replace(/^.*@ (previewing update|updating)\.*$\n?/gm, "")
        .replace(/ *warning: using pulumi-[a-z-]+ from \$PATH at .*$/gm, "")
        .replace(/ *\d+ warnings?$/gm, "")
        .replace(/^Diagnostics:\n(\s*pulumi:pulumi:Stack \([^)]*\):\n)?\s*\n/m, "")
        .replace(/^Loading policy packs\.\.\..*\n/gm, "")
        .replace(/[ \t]+$/gm, "")
        .trim()
        .split("\n");
    // Without a terminal the engine prints the stack's row again whenever it hears of it; the last one is complete.
    const rows = lines.filter((line) => STACK_ROW.test(line));
    const first = lines.findIndex((line) => STACK_ROW.test(line));
    return lines
        .map((line, index) => (index === first ? (rows.at(-1) ?? line) : line))
        .filter((line, index) => index === first || !STACK_ROW.test(line))
        .join("\n");
}

/** The row of the stack itself, with whatever sign. */
const STACK_ROW = /^[\s+~-]*pulumi:pulumi:Stack \S+/;

/** A rule of the policy pack that does not hold. */
export interface Violation {
    readonly rule: string;
    /** The resource that breaks it; null where it is the stack as a whole. */
    readonly urn: string | null;
    readonly message: string;
}

/** A violation for a person: `rule: resource: message`. */
export function violationText({ rule, urn, message }: Violation): string {
    return `${rule}: ${urn === null ? "" : `${nameOf(urn)}: `}${message}`;
}

/** What the engine reported, gathered for the closing message. */
export interface EngineReport {
    /** Error diagnostics, each once, without stacks; those of plugins as sentences that name the resource. */
    readonly errors: readonly string[];
    readonly warnings: readonly string[];
    /** Violations of mandatory policies, each once. */
    readonly violations: readonly Violation[];
    /** Of a preview: what an update would do. */
    readonly planned: readonly PlannedChange[];
    /** Number of resources per operation: create, update, same, ... */
    readonly changes: Readonly<Record<string, number>>;
}

/** How the SDK introduces an error in a value that a resource or an output was to get, once per resource it went through. */
const PROPERTY_CHAIN = /^(error serializing property "[^"]*": )+/gm;

/** How the engine introduces the sentence of a hook of the program. */
const HOOK = /^(Preview failed: )?before hook "[^"]*" failed: /;

/** A diagnostic as a person reads it: no colour marks, no stack, no `error:` prefix. */
export function plainMessage(message: string): string {
    return message
        .replace(/<\{%[^%]*%\}>/g, "")
        .split("\n")
        .filter((line) => !/^\s+at .+(:\d+:\d+\)?|<anonymous>\)?|native\)?)$/.test(line))
        .join("\n")
        .replace(/^(\s*(error|Error):\s+)+/, "")
        .replace(HOOK, "")
        .replace(PROPERTY_CHAIN, "")
        .trim();
}

/** The name part of a URN. */
function nameOf(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/** What a URN is of, for example `postgresql:Grant audit-trail-local-dms`. */
function labelOf(urn: string): string {
    const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
    return `${type.replace(/:[^:]*:/, ":")} ${nameOf(urn)}`;
}

/** URNs without those that are the beginning of another: a plugin's log cuts a URN at a quote in the resource's name. */
function wholeOnly(urns: readonly string[]): readonly string[] {
    return urns.filter(
        (urn) => !urns.some((other) => other !== urn && other.startsWith(urn.replace(/\\+$/, ""))),
    );
}

/** Listens to the engine's events: has shown how far it is, and keeps what the closing message needs. */
export class Progress {
    private readonly errors = new Set<string>();
    /** Plugins' errors, each with the URNs of the resources that have it. */
    private readonly problems = new Map<string, Set<string>>();
    private readonly warnings = new Set<string>();
    /** By their text: the engine tells one again. */
    private readonly violations = new Map<string, Violation>();
    private readonly planned = new PlannedChanges();
    private changes: Record<string, number> = {};

    constructor(
        private readonly display?: Pick<ProgressDisplay, "resourceBegun" | "resourceDone">,
    ) {}

    /** Takes one event; bound, so that it can be handed to the Automation API as it is. */
    readonly onEvent = (event: EngineEvent): void => {
        if (event.diagnosticEvent) {
            const { severity, message, urn } = event.diagnosticEvent;
            const target =
                severity === "error"
                    ? this.errors
                    : severity === "warning"
                      ? this.warnings
                      : undefined;
            const plain = plainMessage(message);
            const text = spaceProblem(plain) ?? plain;
            const problem = severity === "error" ? pluginProblem(text) : undefined;
            if (problem !== undefined) {
                const urns = this.problems.get(problem) ?? new Set();
                this.problems.set(problem, urns.add(urn ?? ""));
            } else if (text !== "" && !SHIM_WARNING.test(text)) {
                target?.add(text);
            }
        }
        if (event.policyEvent?.enforcementLevel === "mandatory") {
            const { policyName: rule, resourceUrn: urn = null, message } = event.policyEvent;
            const violation = { rule, urn, message: plainMessage(message) };
            this.violations.set(violationText(violation), violation);
        }
        if (event.summaryEvent) {
            // Absent where there is nothing to tell, whatever its type says.
            const summary = event.summaryEvent as Partial<SummaryEvent>;
            this.changes = { ...summary.resourceChanges };
        }
        const { metadata: begun, planning = false } = event.resourcePreEvent ?? {};
        if (begun !== undefined && planning) {
            this.planned.add(begun);
        }
        // A component is under way as long as its parts are, and says nothing that they do not.
        if (begun !== undefined && (begun.new ?? begun.old)?.custom === true) {
            this.display?.resourceBegun(begun.urn, planning ? undefined : begun.op);
        }
        const ended = event.resOutputsEvent?.metadata;
        if (ended) {
            this.display?.resourceDone(ended.urn);
        }
    };

    /** Tells what was gathered. */
    finish(): EngineReport {
        const problems = [...this.problems].flatMap(([problem, urns]) =>
            wholeOnly([...urns]).map((urn) =>
                urn === "" ? `${problem}.` : `${labelOf(urn)}: ${problem}.`,
            ),
        );
        return {
            errors: [...problems, ...this.errors],
            warnings: [...this.warnings],
            violations: [...this.violations.values()],
            planned: this.planned.list(),
            changes: this.changes,
        };
    }
}
