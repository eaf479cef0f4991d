import * as net from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { commandOf } from "../servers/process";

/** How long an engine may take to finish its step under way after it was interrupted, in milliseconds. */
const INTERRUPT_DEADLINE_MS = 30_000;

/** How long a process may take to go once it was killed, in milliseconds. */
const KILL_DEADLINE_MS = 5_000;

/** A running engine. */
export interface Engine {
    readonly pid: number;
    /** The command line, which tells it from another process that gets its number later. */
    readonly command: string;
}

/** The engine with that process number; undefined when there is none, or the number is another program's. */
export async function engineOf(pid: number): Promise<Engine | undefined> {
    const command = await commandOf(pid);
    return command?.includes("pulumi") ? { pid, command } : undefined;
}

/**
 * Whether the command that started the engine lives. The engine calls it back for the program, at the address in its
 * arguments; nobody else listens there.
 */
export async function hasOwner({ command }: Engine): Promise<boolean> {
    const [, host, port] = /--client=([\d.]+):(\d+)/.exec(command) ?? [];
    if (host === undefined) {
        return true; // Started by hand, not by one of the project's commands.
    }
    return await new Promise((resolve) => {
        const socket = net.connect({ host, port: Number(port) });
        const answer = (listens: boolean): void => {
            socket.destroy();
            resolve(listens);
        };
        socket.once("connect", () => {
            answer(true);
        });
        socket.once("error", () => {
            answer(false);
        });
    });
}

/** Sends a signal; a process that has gone meanwhile needs none. */
function signal({ pid }: Engine, name: NodeJS.Signals): void {
    try {
        process.kill(pid, name);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error;
        }
    }
}

async function isGone({ pid, command }: Engine, deadlineMs: number): Promise<boolean> {
    const deadline = Date.now() + deadlineMs;
    while ((await commandOf(pid)) === command) {
        if (Date.now() > deadline) {
            return false;
        }
        await pause(50);
    }
    return true;
}

/**
 * Interrupts an engine, so that it finishes the step under way, and kills it when it does not end by that.
 *
 * @throws when it cannot be ended.
 */
export async function endEngine(engine: Engine): Promise<void> {
    signal(engine, "SIGINT");
    if (await isGone(engine, INTERRUPT_DEADLINE_MS)) {
        return;
    }
    signal(engine, "SIGKILL");
    if (!(await isGone(engine, KILL_DEADLINE_MS))) {
        throw new Error(
            `The engine of a command that was killed (process ${String(engine.pid)}) does not end; end it and run the command again.`,
        );
    }
}
