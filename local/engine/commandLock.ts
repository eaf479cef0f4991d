import { linkSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../text/errors";
import { livingProcess, recordProcess } from "../dms/processIdentity";
import { BusyError, busyMessage } from "./failure";

/**
 * Makes this process the one command that works on the engine's files, until it ends. The engine's own lock comes too
 * late: two commands that begin at once would each make the stack, with a passphrase of its own.
 *
 * @throws BusyError when another command is at work, which names its process.
 */
export function occupy(engineDir: string): void {
    mkdirSync(engineDir, { recursive: true, mode: 0o700 });
    const file = path.join(engineDir, "command.json");
    if (livingProcess(file)?.pid === process.pid) {
        return;
    }
    const own = `${file}.${String(process.pid)}`;
    recordProcess(own);
    try {
        link(own, file);
    } finally {
        rmSync(own, { force: true });
    }
    const { pid } = livingProcess(file) ?? {};
    if (pid !== process.pid) {
        throw new BusyError(busyMessage(pid));
    }
    process.once("exit", () => {
        rmSync(file, { force: true });
    });
}

/** Gives the file its name whole, unless another has that name; that of a command that was killed is replaced. */
function link(own: string, file: string): void {
    try {
        linkSync(own, file);
    } catch (error) {
        if (codeOf(error) !== "EEXIST") {
            throw error;
        }
        if (livingProcess(file) === undefined) {
            rmSync(file, { force: true });
            link(own, file);
        }
    }
}
