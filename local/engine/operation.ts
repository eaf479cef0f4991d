import { existsSync } from "node:fs";
import path from "node:path";
import type { OutputMap, Stack } from "@pulumi/pulumi/automation";
import { explained, OperationError, ProtectedError, refusesDeletion } from "./failure";
import { PROJECT_ROOT } from "./paths";
import { preloadProgram } from "./preload";
import { type EngineReport, Progress, violationText } from "./progress";
import { ProgressDisplay } from "./progressDisplay";
import { LAPTOP_STACK } from "./workspace";

/** The policy packs that every preview and update runs under. */
const POLICY_PACKS: readonly string[] = [path.join(PROJECT_ROOT, "policy")];

/**
 * The configuration that the policy packs get for a stack: its own file in policy/config, dev's for the laptop stack, which is thrown
 * away as well, and the strictest for any other.
 */
function packConfig(stackName: string): string {
    const file = (name: string): string =>
        path.join(PROJECT_ROOT, "policy", "config", `${name}.json`);
    const own = file(stackName === LAPTOP_STACK ? "dev" : stackName);
    return existsSync(own) ? own : file("prod");
}

/** Packs and their configuration as the Automation API takes them. */
function underPolicies(stack: Stack): { policyPacks: string[]; policyPackConfigs: string[] } {
    return { policyPacks: [...POLICY_PACKS], policyPackConfigs: [packConfig(stack.name)] };
}

/**
 * How long the engine may take to report its first resource, in milliseconds. A plugin that dies while it starts leaves
 * the engine waiting for ever.
 */
const FIRST_RESOURCE_DEADLINE_MS = 90_000;

/**
 * How long nothing may happen after an error before the operation is cancelled, in milliseconds. What waits for a value
 * that the program failed to make waits for ever, and the engine with it. A step under way is finished all the same.
 */
const SILENCE_AFTER_ERROR_MS = 5_000;

/**
 * How long the engine may take to say that it heard an interruption itself, in milliseconds. A terminal tells every
 * process of the command, a supervisor only the command; told twice, the engine would not finish its step under way.
 */
const HEARS_WITHIN_MS = 2_000;

/** The engine's words when it heard an interruption. */
const HEARD = /received; cancelling/;

/** The options that all operations share. */
interface EngineOptions {
    onEvent: Progress["onEvent"];
    onOutput: (chunk: string) => void;
    onError: (chunk: string) => void;
    signal: AbortSignal;
}

/** What the engine adds about an error that a provider or the program has explained. */
const ECHO = /^(update failed|preview failed|resource registration)|context canceled$/i;

/** The errors that say something of their own. */
export function ownErrors({ errors }: EngineReport): string[] {
    return errors.filter((text) => !ECHO.test(text));
}

/** The error for an operation that failed: what the engine reported, or else what the Automation API threw. */
function operationError(
    what: string,
    stackName: string,
    report: EngineReport,
    thrown: unknown,
): OperationError {
    if (report.violations.length > 0) {
        const lines = [
            `${what} is refused by the policy pack:`,
            ...report.violations.map(violationText),
        ];
        return new OperationError(lines.join("\n  "), { cause: thrown, report });
    }
    const errors = ownErrors(report);
    if (errors.length === 0) {
        return explained(stackName, thrown, (reason) => `${what} failed:\n  ${reason}`);
    }
    const Failure = errors.every(refusesDeletion) ? ProtectedError : OperationError;
    return new Failure([`${what} failed:`, ...errors].join("\n  "), { cause: thrown, report });
}

/** What a command says about how its operation is run. */
export interface OperationSettings {
    /** Whether all that the engine prints is shown. */
    readonly verbose: boolean;
    /** Aborted when the command is interrupted: the engine then finishes its step under way and ends. */
    readonly interruption: AbortSignal;
    /** How many resources the operation is expected to have, where that is known. */
    readonly resources?: number | undefined;
    /** Told how to show a line of something else while the operation runs; returns how to end that. */
    readonly watch?: (show: (line: string) => void) => () => void;
}

/**
 * Runs one engine operation with progress on standard error.
 *
 * @param what how the operation is named in messages, for example "The update".
 * @throws OperationError with the engine's own diagnostics.
 */
async function operation<T>(
    what: string,
    stack: Stack,
    run: (options: EngineOptions) => Promise<T>,
    { verbose, interruption, resources, watch }: OperationSettings,
): Promise<{ readonly result: T; readonly report: EngineReport }> {
    interruption.throwIfAborted();
    const display = new ProgressDisplay(process.stderr, resources);
    const progress = new Progress(display);
    const endWatch = watch?.((line) => {
        display.interleave(`${line}\n`);
    });
    const interrupted = new AbortController();
    let heard = false;
    let hearing: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
        display.end();
        hearing = setTimeout(() => {
            if (!heard) {
                interrupted.abort();
            }
        }, HEARS_WITHIN_MS);
    };
    interruption.addEventListener("abort", interrupt);
    const stalled = new AbortController();
    const deadline = setTimeout(() => {
        stalled.abort();
    }, FIRST_RESOURCE_DEADLINE_MS);
    const failed = new AbortController();
    let silence: NodeJS.Timeout | undefined;
    let preloaded: Promise<void> | undefined;
    let tail = "";
    const keep = (chunk: string): void => {
        heard ||= HEARD.test(chunk);
        tail = `${tail}${chunk}`.slice(-2_000);
        if (verbose) {
            display.interleave(chunk);
        }
    };
    try {
        const result = await run({
            onEvent: (event) => {
                preloaded ??= preloadProgram();
                if (event.resourcePreEvent) {
                    clearTimeout(deadline);
                }
                if (silence !== undefined || event.diagnosticEvent?.severity === "error") {
                    clearTimeout(silence);
                    silence = setTimeout(() => {
                        failed.abort();
                    }, SILENCE_AFTER_ERROR_MS);
                }
                progress.onEvent(event);
            },
            onOutput: keep,
            onError: keep,
            signal: AbortSignal.any([stalled.signal, failed.signal, interrupted.signal]),
        });
        return { result, report: progress.finish() };
    } catch (error) {
        const report = progress.finish();
        if (stalled.signal.aborted) {
            throw new OperationError(
                `${what} did not begin within ${String(FIRST_RESOURCE_DEADLINE_MS / 1000)} s: a plugin may have died while it started. The engine's last words:\n${tail.trim()}`,
                { cause: error },
            );
        }
        throw operationError(what, stack.name, report, error);
    } finally {
        endWatch?.();
        display.end();
        interruption.removeEventListener("abort", interrupt);
        clearTimeout(hearing);
        clearTimeout(deadline);
        clearTimeout(silence);
    }
}

/** Updates the stack under the policy packs; resolves with its outputs. */
export async function update(
    stack: Stack,
    settings: OperationSettings,
): Promise<{ readonly outputs: OutputMap; readonly report: EngineReport }> {
    const { result, report } = await operation(
        "The update",
        stack,
        (options) => stack.up({ ...options, ...underPolicies(stack) }),
        settings,
    );
    return { outputs: result.outputs, report };
}

/** Previews an update under the policy packs; resolves with the plan as the engine prints it. */
export async function preview(
    stack: Stack,
    settings: OperationSettings,
    color: "always" | "never",
): Promise<{ readonly plan: string; readonly report: EngineReport }> {
    const { result, report } = await operation(
        "The preview",
        stack,
        (options) => stack.preview({ ...options, ...underPolicies(stack), diff: false, color }),
        settings,
    );
    return { plan: result.stdout, report };
}

/**
 * Destroys every resource of the stack.
 *
 * @throws ProtectedError when the stack is protected from that; nothing was touched then.
 */
export async function destroy(stack: Stack, settings: OperationSettings): Promise<EngineReport> {
    const { report } = await operation(
        "The destruction",
        stack,
        (options) => stack.destroy(options),
        settings,
    );
    return report;
}
