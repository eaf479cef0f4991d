import { messageOf } from "../../text/errors";
/** An error of the operating system, as Node.js throws it. */
interface SystemError extends Error {
    readonly code: string;
    readonly syscall: string;
    readonly path?: string;
}

function isSystemError(error: unknown): error is SystemError {
    return error instanceof Error && "code" in error && "syscall" in error;
}

/**
 * What a person reads of any failure: a sentence for what the operating system refuses, else the error's own words.
 *
 * @param isVerbose gives where it was thrown instead
 */
export function failureText(error: unknown, isVerbose = false): string {
    if (isVerbose && error instanceof Error && error.stack !== undefined) {
        return error.stack;
    }
    if (!isSystemError(error)) {
        return messageOf(error) || "The command failed without a message.";
    }
    const where = error.path ?? "the stack's files";
    switch (error.code) {
        case "ENOSPC":
        case "EDQUOT":
            return `There is no space left for ${where} (${error.code}); free some and run the command again.`;
        case "EROFS":
            return `The file system of ${where} is read-only; make it writable, or set AUDIT_TRAIL_LOCAL_DIR to a folder that is, and run the command again.`;
        case "EACCES":
        case "EPERM":
            return error.syscall === "kill"
                ? "This user may not end a process of the stack, which another user started; run the command as that user, or with sudo."
                : `This user may not use ${where} (${error.code}), which another user made, perhaps by a start with sudo; run the command as that user, or with sudo.`;
        default:
            return error.message;
    }
}
