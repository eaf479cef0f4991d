/** A failure whose message is all that a person has to read. */
export class CommandError extends Error {}

/** One line to the terminal. */
export function say(line = ""): void {
    process.stdout.write(`${line}\n`);
}

/** The options of a command line: `--stack dev`, `--verbose`. */
export interface CommandOptions {
    readonly stack?: string;
    readonly verbose: boolean;
    /** The result for a program instead of for a person. */
    readonly json: boolean;
    /** `--table`, which may stand several times. */
    readonly tables: readonly string[];
    /** `--since`: an ISO 8601 time. */
    readonly since?: string;
}

/** An option that takes a value: what it wants, and whether a text is such a value. */
interface ValueOption {
    readonly wants: string;
    isValid(text: string): boolean;
}

const VALUE_OPTIONS: Readonly<Record<string, ValueOption>> = {
    "--stack": {
        wants: "the name of a stack, for example: --stack dev",
        isValid: (text) => /^[A-Za-z0-9_.-]{1,100}$/.test(text),
    },
    "--table": {
        wants: "the name of a table with its schema, for example: --table public.items",
        isValid: (text) => text !== "",
    },
    "--since": {
        wants: "a time in the past with its zone, as ISO 8601 writes it, for example: --since 2026-01-31T12:00:00Z",
        isValid: (text) => isInstant(text) && Date.parse(text) <= Date.now(),
    },
};

const INSTANT =
    /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/u;

/** Whether a text is a moment: a day that there is, a time of it, and the zone that it is meant in. */
function isInstant(text: string): boolean {
    const [, year, month, day] = INSTANT.exec(text) ?? [];
    if (year === undefined) {
        return false;
    }
    // A day that a month does not have becomes one of the next.
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

/** Reads the command line; refuses what it does not know. */
export function parseOptions(args: readonly string[], known: readonly string[]): CommandOptions {
    const values = new Map<string, string[]>();
    const flags = new Set<string>();
    for (let index = 0; index < args.length; index += 1) {
        const [, flag = "", inline] = /^([^=]*)(?:=(.*))?$/s.exec(args[index] ?? "") ?? [];
        const option = known.includes(flag) ? VALUE_OPTIONS[flag] : undefined;
        if (option !== undefined) {
            const value = inline ?? args[(index += 1)];
            if (value === undefined || !option.isValid(value)) {
                throw new CommandError(`${flag} wants ${option.wants}`);
            }
            values.set(flag, [...(values.get(flag) ?? []), value]);
        } else if (["--verbose", ...known].includes(flag) && inline === undefined) {
            flags.add(flag);
        } else {
            const options = ["--verbose", ...known].join(", ");
            throw new CommandError(
                `Unknown option "${String(args[index])}"; known are: ${options}.`,
            );
        }
    }
    return {
        stack: values.get("--stack")?.at(-1),
        verbose: flags.has("--verbose"),
        json: flags.has("--json"),
        tables: values.get("--table") ?? [],
        since: values.get("--since")?.at(-1),
    };
}

/**
 * Runs a command to its end: a failure is one message on standard error and exit code `failureCode`, with the stack only
 * under `--verbose`. A command that succeeded with another result than the usual one has set `process.exitCode`. A first Ctrl-C lets the engine finish the step under way (it hears of it itself), a second one ends it.
 */
export function runCommand(
    known: readonly string[],
    body: (options: CommandOptions) => Promise<void>,
    failureCode = 1,
): void {
    const args = process.argv.slice(2);
    // The SDK notes a stack with every promise; mapping those that nobody sees takes a third of a second.
    process.setSourceMapsEnabled(args.includes("--verbose"));
    // Who reads the output may go away first (`npm start | head`). The work is finished all the same; without a listener
    // each lost line would be an error of its own, and reporting it the next one.
    for (const stream of [process.stdout, process.stderr]) {
        stream.on("error", () => undefined);
    }
    let interrupted = false;
    process.on("SIGINT", () => {
        if (interrupted) {
            process.exit(130);
        }
        interrupted = true;
        process.stderr.write(
            "\nInterrupted: finishing the step under way. Run the command again to go on.\n",
        );
    });
    Promise.resolve()
        .then(() => body(parseOptions(args, known)))
        .then(
            () => process.exit(interrupted ? 130 : process.exitCode),
            (error: unknown) => {
                const verbose = args.includes("--verbose");
                const text =
                    error instanceof Error
                        ? verbose
                            ? error.stack
                            : error.message
                        : String(error);
                // What fails after Ctrl-C fails because of it, and the engine's words for that help nobody.
                if (!interrupted || verbose) {
                    process.stderr.write(`\n${text ?? "The command failed without a message."}\n`);
                }
                process.exit(interrupted ? 130 : failureCode);
            },
        );
}
