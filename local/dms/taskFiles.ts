import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { codeOf } from "../../text/errors";

/** Replaces a file at once, so that a reader or a crash never meets half of it; readable by the owner only. */
export function writeJsonFile(file: string, value: unknown): void {
    const temporary = `${file}.${process.pid}.tmp`;
    try {
        writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
        renameSync(temporary, file);
    } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
    }
}

/** The text of a file, undefined when it does not exist. */
export function readIfExists(file: string): string | undefined {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        if (codeOf(error) === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}

/** A file that somebody may write, replace or remove at any time. */
export class ChangingFile {
    private stamp = "";

    constructor(readonly path: string) {}

    /** What the file holds since the last call (text undefined: no file); undefined when it has not changed. */
    change(): { readonly text: string | undefined } | undefined {
        const stamp = this.currentStamp();
        if (stamp === this.stamp) {
            return undefined;
        }
        const text = readIfExists(this.path);
        this.stamp = stamp;
        return { text };
    }

    private currentStamp(): string {
        try {
            const { ino, mtimeMs, size } = statSync(this.path);
            return `${ino} ${mtimeMs} ${size}`;
        } catch (error) {
            if (codeOf(error) === "ENOENT") {
                return "";
            }
            throw error;
        }
    }
}
