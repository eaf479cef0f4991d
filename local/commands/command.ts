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
}

/** Reads the command line; refuses what it does not know. */
export function parseOptions(args: readonly string[], known: readonly string[]): CommandOptions {
    let stack: string | undefined;
    let verbose = false;
    for (let index = 0; index < args.length; index += 1) {
        const [flag, inline] = (args[index] ?? "").split("=", 2);
        if (flag === "--verbose") {
            verbose = true;
        } else if (flag === "--stack" && known.includes("--stack")) {
            stack = inline ?? args[(index += 1)];
            if (stack === undefined || !/^[A-Za-z0-9_.-]{1,100}$/.test(stack)) {
                throw new CommandError(
                    "--stack wants the name of a stack, for example: --stack dev",
                );
            }
        } else {
            const options = ["--verbose", ...known].join(", ");
            throw new CommandError(
                `Unknown option "${String(args[index])}"; known are: ${options}.`,
            );
        }
    }
    return { stack, verbose };
}

/**
 * Runs a command to its end: a failure is one message on standard error and exit code 1, with the stack only under
 * `--verbose`. A first Ctrl-C lets the engine finish the step under way (it hears of it itself), a second one ends it.
 */
export function runCommand(
    known: readonly string[],
    body: (options: CommandOptions) => Promise<void>,
): void {
    const args = process.argv.slice(2);
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
            () => process.exit(interrupted ? 130 : 0),
            (error: unknown) => {
                const verbose = args.includes("--verbose");
                const text =
                    error instanceof Error
                        ? verbose
                            ? error.stack
                            : error.message
                        : String(error);
                process.stderr.write(`\n${text ?? "The command failed without a message."}\n`);
                process.exit(interrupted ? 130 : 1);
            },
        );
}
