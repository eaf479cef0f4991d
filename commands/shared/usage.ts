import { wrapped } from "../../text/terminalLines";

/** What a command does and takes; `--verbose` and `--help` are every command's. */
interface Usage {
    readonly does: string;
    /** Each option as it is written, with what it does. */
    readonly options: Readonly<Record<string, string>>;
    /** Exit codes other than 0 for success. */
    readonly codes?: Readonly<Record<string, string>>;
}

const STACK = { "--stack <name>": "a stack of your own instead of the laptop's" };

const FAILED = { "1": "it failed; the sentence on standard error says why" };

/** The commands, by the name of their script in package.json. */
export const USAGE: Readonly<Record<string, Usage>> = {
    start: {
        does: "Deploys or updates the laptop stack, or brings it back after a reboot: 10 to 90 seconds.",
        options: { "--no-walkthrough": "leaves out the example with the demo table" },
    },
    stop: {
        does: "Destroys the laptop stack with all its data: no process, port or file stays behind.",
        options: { "--force": "without the engine, and also when the stack is protected" },
    },
    preview: {
        does: "Shows what an update would do, under the policy pack.",
        options: {
            "--stack <name>":
                "plans the stack of Pulumi.<name>.yaml as if for the first time, without an account",
            "--json": "the changes, violations and errors for a program, also when it is refused",
        },
        codes: { "1": "the policy pack or the program refuses it, or it failed" },
    },
    outputs: {
        does: "Prints the outputs of the laptop stack as JSON. The addresses hold passwords.",
        options: {},
    },
    verify: {
        does: "Proves that the trail is complete up to a commit time, or names what is missing.",
        options: {
            ...STACK,
            "--table <schema.table>": "this table only; may be given several times",
            "--since <time>":
                "what was recorded before this time fails nothing, for example 2026-01-31T12:00:00Z",
            "--json": "the report for a program",
        },
        codes: {
            "1": "something is missing, differs or cannot be trusted",
            "2": "it could not be verified",
        },
    },
    preflight: {
        does: "Names everything to mend at a source before its first deployment. It changes nothing.",
        options: {
            "--stack <name>":
                "the tables and the source of a stack of your own instead of the laptop's; AUDIT_TRAIL_SOURCE_URL names another source",
            "--table <schema.table>":
                "this table instead of the stack's; may be given several times",
            "--json": "the report for a program",
        },
        codes: {
            "1": "something must be mended first",
            "2": "the source could not be looked at",
        },
    },
    status: {
        does: "Shows which parts of the laptop stack run, how far the task is, and what is in the gap ledger. It needs no engine.",
        options: { "--json": "the same for a program" },
        codes: { "1": "something that should run or answer does not, or there is no stack" },
    },
    tables: {
        does: "Shows what is audited and what could be: every table of the source, with the reason where it could not.",
        options: { ...STACK, "--json": "the same for a program, with the whole reasons" },
    },
    sql: {
        does: "Prints every script of a deployment and every query of verify as it would run, in order, without running it.",
        options: {
            "--table <schema.table>":
                "this table, as the database of AUDIT_TRAIL_SOURCE_URL or the laptop stack has it, instead of the demo table; may be given several times",
        },
    },
    logs: {
        does: "Prints the last lines of the logs of the servers and of the tasks.",
        options: {
            "source, audit, task": "these only",
            "--group <name>":
                "of the tasks, the one of this group of tables only; may be given several times",
        },
    },
    psql: {
        does: "Opens psql on a database of the laptop stack as its master user; the password stays out of the arguments.",
        options: { "source, audit": "which of the two" },
    },
    cli: { does: "Makes sure that there is a Pulumi CLI.", options: {} },
};

/** The options that a command takes, without what stands after them. */
export function optionsOf(command: string): readonly string[] {
    return Object.keys(USAGE[command]?.options ?? {}).flatMap((written) =>
        written.split(", ").map((one) => one.replace(/ <.*/, "")),
    );
}

/** What `--help` prints of a command of `npm run`. */
export function usageText(command: string): string {
    const script = ["start", "stop"].includes(command) ? `npm ${command}` : `npm run ${command}`;
    return helpText(`${script} --`, USAGE[command] ?? { does: "", options: {} });
}

/** What `--help` prints of a program that is called with these words. */
export function helpText(call: string, { does, options, codes }: Usage): string {
    const all = {
        ...options,
        "--verbose": "all that the engine prints, and the stack of an error",
        "--help": "this text",
    };
    const exits = {
        "0": "it succeeded",
        ...(codes ?? FAILED),
        "129, 130, 143": "a hang-up, Ctrl-C or SIGTERM ended it",
    };
    const list = (entries: Readonly<Record<string, string>>): string[] => {
        const width = Math.max(...Object.keys(entries).map((name) => name.length)) + 2;
        return Object.entries(entries).flatMap(([name, meaning]) =>
            wrapped(meaning, `  ${name.padEnd(width)}`, " ".repeat(width + 2)),
        );
    };
    return [
        ...wrapped(does, "", ""),
        "",
        `Usage: ${call} [options]`,
        "",
        ...list(all),
        "",
        "Exit codes:",
        "",
        ...list(exits),
    ].join("\n");
}
