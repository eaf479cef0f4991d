/** DMS log components this process writes as. */
type Component =
    "TASK_MANAGER" | "SOURCE_UNLOAD" | "SOURCE_CAPTURE" | "TARGET_LOAD" | "TARGET_APPLY" | "SORTER";

export type Log = (level: "I" | "W" | "E", component: Component, message: string) => void;

/** Writes to standard output, which is task.log. Messages hold no row values and no secrets. */
export const logToStandardOutput: Log = (level, component, message) => {
    process.stdout.write(
        `${new Date().toISOString()} [${component.padEnd(14)}] ${level}: ${message}\n`,
    );
};
