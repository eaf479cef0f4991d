import { escapeLiteral } from "pg";
import { batchBegin, type SqlBatch } from "../../database/runBatch";
import { SESSION_FREE, SESSION_SETTINGS, SESSION_START } from "../../database/session";
import type { SqlFile } from "../../database/sqlTemplate";

/** Where a script runs. */
export type Side = "source" | "audit";

/** Scripts that run together. */
export interface Step {
    readonly side: Side;
    /** Whom the session belongs to. */
    readonly role: string;
    /** At which occasion, in a few words. */
    readonly when: string;
    /** What they are about: a table, for example. */
    readonly about?: string;
    readonly files: readonly SqlFile[];
    /** Whether they are one transaction, as a script of a deployment is. */
    readonly isBatch: boolean;
}

/** Steps that one session runs, or two: one on each side. */
export interface Part {
    /** Names the file in docs/sql. */
    readonly name: string;
    /** What it is, as the end of a sentence. */
    readonly title: string;
    /** What the sessions set beside the usual; undefined where no session of the program's runs them. */
    readonly session?: Readonly<Record<string, string>>;
    readonly steps: readonly Step[];
}

/** Who deploys. The scripts take the role of the trail's owner where they need it, and give it back. */
export const DEPLOYER = "the master user";

/** The steps of one script of a deployment. */
export function batchSteps(side: Side, batches: readonly SqlBatch[], moment: string): Step[] {
    return batches.map(({ files, about, rerunWhen, always }) => ({
        side,
        role: DEPLOYER,
        when: `${moment}, ${occasion(rerunWhen !== undefined, always === true)}`,
        about,
        files,
        isBatch: true,
    }));
}

function occasion(hasReason: boolean, always: boolean): string {
    if (always) {
        return "whenever another batch of the script runs";
    }
    return hasReason
        ? "when its text or its table is another one, or what it made is gone"
        : "when its text is another one";
}

/** What a session begins with. */
function sessionText(settings: Readonly<Record<string, string>>): string {
    const all = JSON.stringify({ ...SESSION_SETTINGS, ...settings });
    const start = SESSION_START.replace("$1", () => escapeLiteral(all)).replace(/\n +/g, "\n    ");
    return `--> database/session.ts | at the beginning of each session\n${SESSION_FREE.replaceAll("; ", ";\n")};\n${start};\n`;
}

/** A step as it runs; a line that begins with an arrow stands before each script. */
function stepText({ side, role, when, about, files, isBatch }: Step): string {
    const server = side === "source" ? "source cluster" : "audit cluster";
    const subject = about === undefined ? "" : ` | ${about}`;
    const scripts = files.map(
        ({ file, sql }) =>
            `--> ${file} | ${server} | as ${role} | ${when}${subject}\n${terminated(sql)}\n`,
    );
    if (!isBatch) {
        return scripts.join("\n");
    }
    const begin = batchBegin().map((statement) => `${statement};\n`);
    return `${begin.join("")}\n${scripts.join("\n")}\nCOMMIT;\n`;
}

function terminated(sql: string): string {
    const text = sql.trimEnd();
    return text.endsWith(";") ? text : `${text};`;
}

/** A part's whole text. */
export function partText(part: Part): string {
    return [
        `-- ${part.title}\n`,
        ...(part.session === undefined ? [] : [sessionText(part.session)]),
        ...part.steps.map(stepText),
    ].join("\n");
}
