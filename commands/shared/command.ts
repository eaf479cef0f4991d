import { constants } from "node:os";
import { useOwnEnvironment } from "../../local/environment";
import { failureText } from "./failureText";
import { type CommandOptions, parseOptions } from "./options";

export { type CommandOptions } from "./options";

/** One line to the terminal. */
export function say(line = ""): void {
    process.stdout.write(`${line}\n`);
}

/** What an operation warned of, each once, as far as the terminal has not shown it yet. */
export function sayWarnings(warnings: readonly string[], shown = ""): void {
    for (const warning of warnings.filter((text) => !shown.includes(text))) {
        say(`Warning: ${warning}`);
    }
}

/** One line that is not the command's result, to standard error. */
export function sayAside(line: string): void {
    process.stderr.write(`${line}\n`);
}

/** What a first signal does to a command: the step under way is finished, or there are no steps worth finishing. */
type Interruption = "finish the step" | "end at once";

/** A terminal's Ctrl-C, the end that supervisors and editors ask for, and the terminal's own end. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The word when a second signal ends the command in the middle of a step. */
const AT_ONCE =
    'Ended at once: what the command had begun may still run. Run it again to go on, or "npm stop" to end all of it.\n';

/** The word when the first signal kept the command from its end. */
const NOT_DONE = "The command has not done all of its work: run it again to go on.";

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
 * @param goesOn tells, in a sentence, what runs on after a signal has kept the command from its end.
 */
export function runCommand(
    known: readonly string[],
    body: (options: CommandOptions, interruption: AbortSignal) => Promise<void>,
    failureCode = 1,
    interruption: Interruption = "finish the step",
    goesOn: () => Promise<string> = () => Promise.resolve(""),
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
            if (interruption === "end at once") {
                process.exit(signalCode(signal));
            }
            if (interrupted !== undefined) {
                process.stderr.write(`\n${AT_ONCE}`);
                process.exit(signalCode(signal));
            }
            interrupted = signalCode(signal);
            // First, because it takes the bar away.
            abort.abort();
            process.stderr.write("\nInterrupted: finishing the step under way.\n");
        });
    }
    Promise.resolve()
        .then(() => body(parseOptions(args, known), abort.signal))
        .then(
            () => process.exit(interrupted ?? process.exitCode),
            async (error: unknown) => {
                const verbose = args.includes("--verbose");
                // What fails after an interruption fails because of it, and the engine's words for that help nobody.
                if (interrupted === undefined || verbose) {
                    process.stderr.write(`\n${failureText(error, verbose)}\n`);
                }
                if (interrupted !== undefined) {
                    const more = await goesOn().catch(() => "");
                    process.stderr.write(
                        `${[NOT_DONE, ...(more === "" ? [] : [more])].join("\n")}\n`,
                    );
                }
                process.exit(interrupted ?? failureCode);
            },
        );
}
