import { ConcurrentUpdateError } from "@pulumi/pulumi/automation";
import { messageOf, PlainError } from "../../text/errors";
import { spaceProblem } from "./pluginErrors";
import { type EngineReport, plainMessage } from "./progress";

/** The engine refused or failed; the message is all that a person has to read. */
export class OperationError extends PlainError {
    /** @param options.report what the engine had reported by then, where it had begun. */
    constructor(message: string, options: ErrorOptions & { readonly report?: EngineReport } = {}) {
        super(message, options);
        this.report = options.report;
    }

    readonly report: EngineReport | undefined;
}

/** Another command is at work on the stack: nothing was done, and nothing of it may be ended. */
export class BusyError extends OperationError {}

/** The engine refused to delete what is protected; nothing was touched. */
export class ProtectedError extends OperationError {}

/** The engine's words when it refuses to delete a protected resource. */
const PROTECTION = /cannot be deleted\s+because it is protected/;

/** Whether these are the engine's words for refusing to delete a protected resource. */
export function refusesDeletion(text: string): boolean {
    return PROTECTION.test(text);
}

/**
 * What to say when the stack's lock is taken.
 *
 * @param pid the engine that holds it, where that is known.
 */
export function busyMessage(pid?: number): string {
    const who = pid === undefined ? "" : ` (process ${String(pid)})`;
    return `Another update of this stack is running${who}; wait for its end and run the command again.`;
}

/** What the Automation API's error says, which holds the whole command line and all that the engine printed. */
function thrownReason(stackName: string, thrown: unknown): string {
    const text = messageOf(thrown);
    const [, reason] = /^error: (.+)$/m.exec(text) ?? [];
    if (reason === undefined) {
        return plainMessage(text);
    }
    const space = spaceProblem(reason);
    if (space !== undefined) {
        return space;
    }
    const [, problem] = /^validating stack config: (.+?)\.?$/.exec(reason) ?? [];
    return problem === undefined
        ? reason
        : `${problem}; correct it in the settings file Pulumi.${stackName}.yaml.`;
}

/**
 * What the Automation API threw, as an error for people.
 *
 * @param tell makes the message from the engine's reason.
 */
export function explained(
    stackName: string,
    thrown: unknown,
    tell: (reason: string) => string,
): OperationError {
    if (thrown instanceof OperationError) {
        return thrown;
    }
    if (thrown instanceof ConcurrentUpdateError) {
        return new BusyError(busyMessage(), { cause: thrown });
    }
    return new OperationError(tell(thrownReason(stackName, thrown)), { cause: thrown });
}
