/** What PostgreSQL's programs say when they give up. */
const REASONS = [
    /(?:FATAL|PANIC|ERROR): {2}(.+)/,
    /^\w+: error: (.+)/,
    /(child process (?:was terminated|exited) .+)/,
];

/** What they say about tidying up afterwards. */
const TIDYING = /^\w+: (?:removing|data directory|detail|hint)|^\s*$/;

/** Why a program of PostgreSQL failed, in its own words, without its command line. */
export function failureReason(error: unknown): string {
    const { stderr } = error as { stderr?: unknown };
    const text =
        typeof stderr === "string" && stderr.trim() !== ""
            ? stderr
            : error instanceof Error
              ? error.message
              : String(error);
    const lines = text.split("\n");
    for (const reason of REASONS) {
        const found = lines.map((line) => reason.exec(line)?.[1]).find((one) => one !== undefined);
        if (found !== undefined) {
            return found.trim();
        }
    }
    return (lines.filter((line) => !TIDYING.test(line)).at(-1) ?? "it gave no reason").trim();
}
