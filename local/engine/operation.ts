import * as path from "node:path";
import { OutputMap, Stack } from "@pulumi/pulumi/automation";
import { PROJECT_ROOT } from "./paths";
import { preloadProgram } from "./preload";
import { EngineReport, plainMessage, Progress } from "./progress";

/** The policy packs that every preview and update runs under. */
export const POLICY_PACKS: readonly string[] = [path.join(PROJECT_ROOT, "policy")];

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

/** The engine refused or failed; the message is all that a person has to read. */
export class OperationError extends Error {}

/** The options that all operations share. */
interface EngineOptions {
    onEvent: Progress["onEvent"];
    onOutput: (chunk: string) => void;
    onError: (chunk: string) => void;
    signal: AbortSignal;
}

/** What the engine adds about an error that a provider or the program has explained. */
const ECHO = /^(update failed|preview failed|resource registration)|context canceled$/i;

/** What the Automation API's error says, which holds the whole command line and all that the engine printed. */
function thrownReason(stackName: string, thrown: unknown): string {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const [, reason] = /^error: (.+)$/m.exec(text) ?? [];
    if (reason === undefined) {
        return plainMessage(text);
    }
    const [, problem] = /^validating stack config: (.+?)\.?$/.exec(reason) ?? [];
    return problem === undefined
        ? reason
        : `${problem}; correct it in the settings file Pulumi.${stackName}.yaml.`;
}

function sentence(what: string, stackName: string, report: EngineReport, thrown: unknown): string {
    if (report.violations.length > 0) {
        return [`${what} is refused by the policy pack:`, ...report.violations].join("\n  ");
    }
    const errors = report.errors.filter((text) => !ECHO.test(text));
    const reasons = errors.length > 0 ? errors : [thrownReason(stackName, thrown)];
    return [`${what} failed:`, ...reasons].join("\n  ");
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
    verbose: boolean,
): Promise<{ readonly result: T; readonly report: EngineReport }> {
    const progress = new Progress(process.stderr);
    const stalled = new AbortController();
    const deadline = setTimeout(() => {
        stalled.abort();
    }, FIRST_RESOURCE_DEADLINE_MS);
    const failed = new AbortController();
    let silence: NodeJS.Timeout | undefined;
    let preloaded: Promise<void> | undefined;
    let tail = "";
    const keep = (chunk: string): void => {
        tail = `${tail}${chunk}`.slice(-2_000);
        if (verbose) {
            process.stderr.write(chunk);
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
            signal: AbortSignal.any([stalled.signal, failed.signal]),
        });
        const report = progress.finish();
        return { result, report };
    } catch (error) {
        const report = progress.finish();
        if (stalled.signal.aborted) {
            throw new OperationError(
                `${what} did not begin within ${String(FIRST_RESOURCE_DEADLINE_MS / 1000)} s: a plugin may have died while it started. The engine's last words:\n${tail.trim()}`,
                { cause: error },
            );
        }
        throw new OperationError(sentence(what, stack.name, report, error), { cause: error });
    } finally {
        clearTimeout(deadline);
        clearTimeout(silence);
    }
}

/** Updates the stack under the policy packs; resolves with its outputs. */
export async function update(
    stack: Stack,
    verbose: boolean,
): Promise<{ readonly outputs: OutputMap; readonly report: EngineReport }> {
    const { result, report } = await operation(
        "The update",
        stack,
        (options) => stack.up({ ...options, policyPacks: [...POLICY_PACKS] }),
        verbose,
    );
    return { outputs: result.outputs, report };
}

/** Previews an update under the policy packs; resolves with the plan as the engine prints it. */
export async function preview(
    stack: Stack,
    verbose: boolean,
    color: "always" | "never",
): Promise<{ readonly plan: string; readonly report: EngineReport }> {
    const { result, report } = await operation(
        "The preview",
        stack,
        (options) =>
            stack.preview({ ...options, policyPacks: [...POLICY_PACKS], diff: false, color }),
        verbose,
    );
    return { plan: result.stdout, report };
}

/** Destroys every resource of the stack. */
export async function destroy(stack: Stack, verbose: boolean): Promise<EngineReport> {
    const { report } = await operation(
        "The destruction",
        stack,
        (options) => stack.destroy(options),
        verbose,
    );
    return report;
}
