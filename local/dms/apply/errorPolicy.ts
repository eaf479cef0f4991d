import { codeOf } from "../../../text/errors";
import type { TaskSettings } from "../task/settings";
import type { Operation } from "./headerValues";

/** Why a change could not be applied. */
export type Conflict =
    { readonly kind: "noRow" } | { readonly kind: "error"; readonly error: unknown };

/** What to do about it; "replace" is DELETE + INSERT of the row. */
export type Decision = "ignore" | "log" | "suspend" | "stop" | "replace";

/**
 * The policy for a conflict (DMS guide, "Error handling task settings").
 *
 * @param asUpdate whether a delete is carried out as an update of the flag column
 * @param errors how many conflicts the table has had before
 */
export function decide(
    operation: Operation,
    asUpdate: boolean,
    conflict: Conflict,
    settings: TaskSettings["ErrorBehavior"],
    errors: number,
): Decision {
    const policy = policyFor(
        operation === "delete" && asUpdate ? "update" : operation,
        conflict,
        settings,
    );
    const decision = DECISIONS[policy] ?? "log";
    const escalated = escalation(conflict, settings, errors + 1);
    return decision === "log" && escalated !== undefined ? escalated : decision;
}

/** Whether a row was there that must not be, or the other way round. */
export function isKeyConflict(conflict: Conflict): boolean {
    return conflict.kind === "noRow" || codeOf(conflict.error) === "23505";
}

const DECISIONS: Readonly<Record<string, Decision>> = {
    IGNORE_RECORD: "ignore",
    LOG_ERROR: "log",
    SUSPEND_TABLE: "suspend",
    STOP_TASK: "stop",
    INSERT_RECORD: "replace",
    UPDATE_RECORD: "replace",
};

function policyFor(
    operation: Operation,
    conflict: Conflict,
    settings: TaskSettings["ErrorBehavior"],
): string {
    const code = conflict.kind === "error" ? codeOf(conflict.error) : "";
    if (code === "22001") {
        return settings.DataTruncationErrorPolicy;
    }
    if (code.startsWith("22")) {
        return settings.DataErrorPolicy;
    }
    if (code.startsWith("42") || code.startsWith("3F")) {
        return settings.TableErrorPolicy;
    }
    const policy = {
        insert: settings.ApplyErrorInsertPolicy,
        update: settings.ApplyErrorUpdatePolicy,
        delete: settings.ApplyErrorDeletePolicy,
    }[operation];
    // Writing the row again mends a conflict of keys and nothing else.
    return policy.endsWith("_RECORD") && policy !== "IGNORE_RECORD" && !isKeyConflict(conflict)
        ? "LOG_ERROR"
        : policy;
}

function escalation(
    conflict: Conflict,
    settings: TaskSettings["ErrorBehavior"],
    errors: number,
): Decision | undefined {
    const isData = conflict.kind === "error" && codeOf(conflict.error).startsWith("22");
    const [limit, policy] = isData
        ? [settings.DataErrorEscalationCount, settings.DataErrorEscalationPolicy]
        : [settings.ApplyErrorEscalationCount, settings.ApplyErrorEscalationPolicy];
    return limit > 0 && errors >= limit ? DECISIONS[policy] : undefined;
}
