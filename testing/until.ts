import { setTimeout as pause } from "node:timers/promises";

/** Waits until `condition` holds, looking every 50 ms; rejects after `deadlineMs`. */
export async function until(condition: () => Promise<boolean>, deadlineMs = 10_000): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    while (!(await condition())) {
        if (Date.now() > deadline) {
            throw new Error(`Waited ${deadlineMs} ms in vain for: ${String(condition)}`);
        }
        await pause(50);
    }
}
