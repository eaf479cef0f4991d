import type { TaskSettings } from "./settings";

/**
 * How many attempts to go on may follow each other without success, after a broken connection as after a deadlock, a lock
 * timeout or a cancelled statement on the target: the open transaction is rolled back and applied again. DMS waits RecoverableErrorInterval seconds
 * before the first; with RecoverableErrorThrottling each wait is longer than the one before, up to
 * RecoverableErrorThrottlingMax, where RecoverableErrorStopRetryAfterThrottlingMax ends them. The guide does not say by how
 * much; doubled waits give the nine attempts that DMS makes with its defaults. This stand-in counts like that and waits
 * less long. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ErrorHandling.html
 */
export function retryLimit(settings: TaskSettings["ErrorBehavior"]): number {
    const count = settings.RecoverableErrorCount === -1 ? Infinity : settings.RecoverableErrorCount;
    if (
        !settings.RecoverableErrorThrottling ||
        !settings.RecoverableErrorStopRetryAfterThrottlingMax
    ) {
        return count;
    }
    let throttled = 0;
    for (
        let wait = Math.max(1, settings.RecoverableErrorInterval);
        wait <= settings.RecoverableErrorThrottlingMax;
        wait *= 2
    ) {
        throttled += 1;
    }
    return Math.min(count, throttled);
}
