import { constants } from "node:os";
import { useOwnEnvironment } from "../environment";
import { failureText } from "./failureText";

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
    /** Whether to go on where the command would refuse. */
    readonly force: boolean;
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
        force: flags.has("--force"),
        tables: values.get("--table") ?? [],
        since: values.get("--since")?.at(-1),
    };
}

/** What a first signal does to a command: the step under way is finished, or there are no steps worth finishing. */
type Interruption = "finish the step" | "end at once";

/** A terminal's Ctrl-C, the end that supervisors and editors ask for, and the terminal's own end. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The exit code that shells give to what a signal ended. */
function signalCode(signal: NodeJS.Signals): number {
    return 128 + constants.signals[signal];
}

/**
 * Runs a command to its end: a failure is one message on standard error and exit code `failureCode`, with the stack only
 * under `--verbose`. A command that succeeded with another result than the usual one has set `process.exitCode`.
 *
 * @param body gets an abort signal, which a first SIGINT, SIGTERM or SIGHUP aborts: the engine then finishes its step
 * under way, and nothing else begins. A second one ends the command.
 */
export function runCommand(
    known: readonly string[],
    body: (options: CommandOptions, interruption: AbortSignal) => Promise<void>,
    failureCode = 1,
    interruption: Interruption = "finish the step",
): void {
    const args = process.argv.slice(2);
    useOwnEnvironment();
    // The SDK notes a stack with every promise; mapping those that nobody sees takes a third of a second.
    process.setSourceMapsEnabled(args.includes("--verbose"));
    // Who reads the output may go away first (`npm start | head`). The work is finished all the same; without a listener
    // each lost line would be an error of its own, and reporting it the next one.
    for (const stream of [process.stdout, process.stderr]) {
        stream.on("error", () => undefined);
    }
    const abort = new AbortController();
    let interrupted: number | undefined;
    for (const signal of SIGNALS) {
        process.on(signal, () => {
            if (interrupted !== undefined || interruption === "end at once") {
                process.exit(signalCode(signal));
            }
            interrupted = signalCode(signal);
            process.stderr.write(
                "\nInterrupted: finishing the step under way. Run the command again to go on.\n",
            );
            abort.abort();
        });
    }
    Promise.resolve()
        .then(() => body(parseOptions(args, known), abort.signal))
        .then(
            () => process.exit(interrupted ?? process.exitCode),
            (error: unknown) => {
                const verbose = args.includes("--verbose");
                const text = verbose && error instanceof Error ? error.stack : failureText(error);
                // What fails after an interruption fails because of it, and the engine's words for that help nobody.
                if (interrupted === undefined || verbose) {
                    process.stderr.write(`\n${text ?? "The command failed without a message."}\n`);
                }
                process.exit(interrupted ?? failureCode);
            },
        );
}
