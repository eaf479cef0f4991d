const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const works = new Set<() => void>();

function all(): void {
    works.forEach((work) => {
        work();
    });
}

function onSignal(signal: NodeJS.Signals): void {
    // Another listener ends the process when its work is done. Without one the signal is sent again and ends the process.
    if (process.listenerCount(signal) === 1) {
        all();
        process.off(signal, onSignal);
        process.kill(process.pid, signal);
    }
}

/**
 * Does something when this process ends, or gets a signal to end.
 * @param work cannot wait for anything, and may be done twice
 * @returns what takes it back
 */
export function atEnd(work: () => void): () => void {
    if (works.size === 0) {
        process.on("exit", all);
        SIGNALS.forEach((signal) => process.on(signal, onSignal));
    }
    works.add(work);
    return () => {
        works.delete(work);
        if (works.size === 0) {
            process.off("exit", all);
            SIGNALS.forEach((signal) => process.off(signal, onSignal));
        }
    };
}
