import { spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { connectInside, join } from "./wayIn";

/**
 * `plugin.ts <socket> <command> ...`: runs a plugin of the engine inside the network by the command, and serves it outside,
 * because the port that it prints is one of the network, which the engine cannot reach.
 */
function main([agent = "", program = "", ...args]: readonly string[]): void {
    const plugin = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    plugin.on("exit", (code) => process.exit(code ?? 1));
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => plugin.kill(signal));
    }
    let said = "";
    const hear = (text: string): void => {
        said += text;
        const [, port] = /^(\d+)\n/.exec(said) ?? [];
        if (port !== undefined) {
            plugin.stdout.off("data", hear).resume();
            serve(agent, Number(port));
        }
    };
    plugin.stdout.setEncoding("utf8").on("data", hear);
}

function serve(agent: string, inside: number): void {
    const server = createServer((local) => {
        join(local, connectInside(agent, "127.0.0.1", inside));
    });
    server.listen(0, "127.0.0.1", () => {
        process.stdout.write(`${String((server.address() as AddressInfo).port)}\n`);
    });
}

main(process.argv.slice(2));
