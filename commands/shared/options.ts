import { PlainError } from "../../text/errors";
import { editDistance, nearest } from "../../text/nearest";

/** The options of a command line: `--stack dev`, `--verbose`. */
export interface CommandOptions {
    readonly stack?: string;
    readonly verbose: boolean;
    /** The result for a program instead of for a person. */
    readonly json: boolean;
    /** Whether to go on where the command would refuse. */
    readonly force: boolean;
    /** Whether to show the article's example, where there is the demo table. */
    readonly walkthrough: boolean;
    /** What stands without dashes: `source`, `audit`. */
    readonly words: readonly string[];
    /** `--table`, which may stand several times. */
    readonly tables: readonly string[];
    /** `--group`, which may stand several times. */
    readonly groups: readonly string[];
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
    "--group": {
        wants: "the name of a group of tables, for example: --group default",
        isValid: (text) => /^[a-z][a-z0-9-]*$/.test(text),
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
                throw new PlainError(`${flag} wants ${option.wants}`);
            }
            values.set(flag, [...(values.get(flag) ?? []), value]);
        } else if (["--verbose", ...known].includes(flag) && inline === undefined) {
            flags.add(flag);
        } else {
            throw new PlainError(unknownOption(args[index] ?? "", ["--verbose", ...known]));
        }
    }
    return {
        stack: values.get("--stack")?.at(-1),
        verbose: flags.has("--verbose"),
        json: flags.has("--json"),
        force: flags.has("--force"),
        walkthrough: !flags.has("--no-walkthrough"),
        words: [...flags].filter((flag) => !flag.startsWith("--")),
        tables: values.get("--table") ?? [],
        groups: values.get("--group") ?? [],
        since: values.get("--since")?.at(-1),
    };
}

/** A slip of the finger is this many characters away from what was meant, at most. */
const SLIP = 3;

function unknownOption(written: string, known: readonly string[]): string {
    const near = nearest(written, known);
    const hint =
        near !== undefined && editDistance(written.toLowerCase(), near) <= SLIP
            ? ` the nearest is ${near},`
            : "";
    return `Unknown option "${written}";${hint} known are: ${known.join(", ")}.`;
}
