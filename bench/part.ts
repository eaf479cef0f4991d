import { parseArgs } from "node:util";
import { say } from "../commands/shared/command";
import { failureText } from "../commands/shared/failureText";
import { PlainError } from "../text/errors";
import { machineLine } from "./machine";

/** What the options of a benchmark say. */
export interface PartOptions {
    /** Seconds instead of minutes: shows that the benchmark works, its numbers mean little. */
    readonly quick: boolean;
    /** Size of the full log of bench/audit.ts, in million rows. */
    readonly millionRows: number;
}

/** A benchmark: measures, and resolves with its section in Markdown. What it starts, it ends through `defer`. */
export type Part = (options: PartOptions, defer: Defer) => Promise<string>;

/** Has something undone when the benchmark ends, however it ends; the last one first. */
export type Defer = (undo: () => Promise<unknown>) => void;

/** A person wants the benchmarks to end. */
export class Interruption extends PlainError {}

/** Tells a waiting person what happens, apart from the results. */
export function note(line: string): void {
    process.stderr.write(`${line}\n`);
}

/** Runs a benchmark, and what it deferred, also after a failure, Ctrl-C or SIGTERM. */
export async function runPart(part: Part, options: PartOptions): Promise<string> {
    const undos: (() => Promise<unknown>)[] = [];
    const interruption = interrupted();
    try {
        return await Promise.race([
            part(options, (undo) => undos.push(undo)),
            interruption.promise,
        ]);
    } finally {
        for (const undo of undos.reverse()) {
            await undo().catch((error: unknown) => {
                note(`Not cleaned up: ${failureText(error)}`);
            });
        }
        interruption.dispose();
    }
}

function interrupted(): { readonly promise: Promise<never>; dispose(): void } {
    let stop: (signal: NodeJS.Signals) => void = () => undefined;
    const promise = new Promise<never>((_, reject) => {
        stop = (signal) => {
            reject(new Interruption(`Ended by ${signal}.`));
        };
    });
    promise.catch(() => undefined);
    // Not once: a runner like npx hands Ctrl-C on to a process that has had it already, and that must not end the clean-up.
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    return {
        promise,
        dispose: () => {
            process.off("SIGINT", stop);
            process.off("SIGTERM", stop);
        },
    };
}

/**
 * The command line of a benchmark: `--quick`, `--rows N` (million rows) and, for all of them together, `--docs`.
 * @throws PlainError that says what is wrong with it
 */
export function parsePartOptions(args: readonly string[]): PartOptions & { docs: boolean } {
    const { values } = parseArgs({
        args: [...args],
        options: {
            quick: { type: "boolean", default: false },
            rows: { type: "string" },
            docs: { type: "boolean", default: false },
        },
    });
    const millionRows = Number(values.rows ?? (values.quick ? 1 : 10));
    if (!(millionRows > 0 && millionRows <= 1000)) {
        throw new PlainError("--rows wants a size in million rows, for example: --rows 10");
    }
    return { quick: values.quick, millionRows, docs: values.docs };
}

/** Ends the process by the outcome of a command. */
export function conclude(work: () => Promise<void>): void {
    work().then(
        () => process.exit(),
        (error: unknown) => {
            // Nobody expected the others: where they were thrown, and why, is what a developer needs.
            console.error(error instanceof PlainError ? failureText(error) : error);
            process.exit(1);
        },
    );
}

/** Runs one benchmark when its file is the one that was started. */
export function runAlone(file: NodeJS.Module, part: Part): void {
    if (require.main !== file) {
        return;
    }
    conclude(async () => {
        const options = parsePartOptions(process.argv.slice(2));
        say(await machineLine());
        say();
        say(await runPart(part, options));
    });
}
