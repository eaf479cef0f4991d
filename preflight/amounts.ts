const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];
const STEP = 1024;

/** Bytes in words, with two or three digits: "12 kB", "3.4 GB". Units of 1024, as PostgreSQL's `pg_size_pretty()` has them. */
export function bytesText(bytes: number): string {
    let amount = bytes;
    let unit = 0;
    while (Math.abs(amount) >= STEP && unit < UNITS.length - 1) {
        amount /= STEP;
        unit += 1;
    }
    const digits = unit > 0 && Math.abs(amount) < 10 ? 1 : 0;
    return `${amount.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}

/** Seconds in words: "45 s", "12 min", "3 h". */
export function durationText(seconds: number): string {
    if (seconds < 120) {
        return `${seconds} s`;
    }
    return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
