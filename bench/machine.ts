import { execFile } from "node:child_process";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { findBinaries } from "../local/servers/binaries";

/** Processor, cores, memory, PostgreSQL, Node.js, date and what else the machine was doing, in one line. */
export async function machineLine(): Promise<string> {
    const postgres = path.join(await findBinaries(), "postgres");
    const { stdout } = await promisify(execFile)(postgres, ["--version"]);
    const processors = cpus();
    const parts = [
        (processors[0]?.model ?? arch()).replaceAll(/\s+/g, " ").trim(),
        `${processors.length} cores`,
        `${Math.round(totalmem() / 2 ** 30)} GB`,
        `${type()} ${release()}`,
        stdout.trim(),
        `Node.js ${process.versions.node}`,
        `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
        `load average at the start ${(loadavg()[0] ?? 0).toFixed(1)}`,
    ];
    return `Machine: ${parts.join(", ")}.`;
}
