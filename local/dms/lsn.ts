/** Parses PostgreSQL's text form of a WAL position, e.g. "16/B374D848". */
export function parseLsn(text: string): bigint {
    const [, high, low] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
    if (high === undefined || low === undefined) {
        throw new Error(`"${text}" is not a WAL position (two hexadecimal numbers with a slash).`);
    }
    return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export function formatLsn(lsn: bigint): string {
    return `${hex(lsn >> 32n)}/${hex(lsn & 0xffffffffn)}`;
}

/** The form DMS shows: eight digits on each side. */
export function formatPosition(lsn: bigint): string {
    return `${hex(lsn >> 32n).padStart(8, "0")}/${hex(lsn & 0xffffffffn).padStart(8, "0")}`;
}

function hex(value: bigint): string {
    return value.toString(16).toUpperCase();
}

/** Positions by name, as a checkpoint's JSON holds them. */
export function parseLsns(texts: Readonly<Record<string, string>> = {}): Map<string, bigint> {
    return new Map(Object.entries(texts).map(([name, text]) => [name, parseLsn(text)]));
}

export function formatLsns(lsns: Iterable<readonly [string, bigint]>): Record<string, string> {
    return Object.fromEntries([...lsns].map(([name, lsn]) => [name, formatLsn(lsn)]));
}
