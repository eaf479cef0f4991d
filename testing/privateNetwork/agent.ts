import { connect, createServer, type Socket } from "node:net";
import { join } from "./wayIn";

/**
 * `agent.ts <socket>`: the way into the network that it runs in, for whoever may open the socket. A connection's first line
 * names a host and a port; what follows goes to that server and comes from it. Ends with its standard input.
 */
function main([socket = ""]: readonly string[]): void {
    const server = createServer((outside) => {
        outside.on("error", () => outside.destroy());
        outside.once("data", (first: Buffer) => {
            outside.pause();
            lead(outside, first);
        });
    });
    server.listen(socket, () => {
        process.stdout.write("listening\n");
    });
    process.stdin.resume().on("end", () => process.exit(0));
}

function lead(outside: Socket, first: Buffer): void {
    const end = first.indexOf("\n");
    const [host = "", port] = first.subarray(0, end).toString().split(" ");
    const inside = connect({ host, port: Number(port) });
    inside.write(first.subarray(end + 1));
    join(outside, inside);
}

main(process.argv.slice(2));
