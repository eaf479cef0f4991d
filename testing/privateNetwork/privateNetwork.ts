import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { makeTempDir } from "../tempDir";
import { connectInside, join } from "./wayIn";

const SWITCH_ON = ["ip", "link", "set", "lo", "up"];

/** How a process gets a network of its own: as root, or as anybody where the system lets users make namespaces. */
const WAYS = [["--net"], ["--user", "--map-current-user", "--keep-caps", "--net"]] as const;

/** The first way that works here; undefined where there is none. */
function wayToUnshare(): readonly string[] | undefined {
    return WAYS.find(
        (flags) =>
            spawnSync("unshare", [...flags, "--", ...SWITCH_ON], { stdio: "ignore" }).status === 0,
    );
}

/** The command that runs another one in the network of a process. */
function enter(pid: number, flags: readonly string[]): string[] {
    const namespace = (name: string): string => `--${name}=/proc/${String(pid)}/ns/${name}`;
    const user = flags.includes("--user") ? [namespace("user"), "--preserve-credentials"] : [];
    return ["nsenter", ...user, namespace("net"), "--"];
}

/** The command that runs a file of this folder, from any working folder. */
function script(name: string): string[] {
    return [process.execPath, "--require", require.resolve("tsx/cjs"), path.join(__dirname, name)];
}

function shellWord(text: string): string {
    return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A network of its own, a Linux network namespace, in which the laptop's stand-in for AWS and all that it starts run. What
 * listens there cannot be reached from outside but through what is inside too, as with the private subnets of a VPC. Where the
 * system gives nobody a namespace, everything is on this machine's own network, and {@link isSealed} is false.
 */
export class PrivateNetwork {
    private readonly doors: Server[] = [];
    private readonly visitors = new Set<Socket>();

    private constructor(
        /** Whether what is inside cannot be reached from outside. */
        readonly isSealed: boolean,
        /** Begins a command line that runs inside. */
        readonly inside: readonly string[],
        /** For the commands of a stack: their stand-in for AWS runs inside. */
        readonly environment: Readonly<Record<string, string>>,
        /** Where its agent listens. */
        readonly agent: string,
        private readonly folder: string,
        private readonly child: ChildProcess,
    ) {}

    static async make(): Promise<PrivateNetwork> {
        const folder = await makeTempDir();
        const agent = path.join(folder, "agent");
        const program = [...script("agent.ts"), agent];
        const flags = wayToUnshare();
        const [file = "", ...args] =
            flags === undefined
                ? program
                : [
                      "unshare",
                      ...flags,
                      "--",
                      "sh",
                      "-c",
                      `${SWITCH_ON.join(" ")} && exec "$@"`,
                      "sh",
                      ...program,
                  ];
        const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
        await once(child.stdout, "data");
        child.unref();
        const inside = flags === undefined ? [] : enter(child.pid ?? 0, flags);
        const environment: Readonly<Record<string, string>> =
            flags === undefined ? {} : { PATH: writeNode(folder, agent, inside) };
        return new PrivateNetwork(flags !== undefined, inside, environment, agent, folder, child);
    }

    /** A connection to a server inside, for the test itself. */
    connect(host: string, port: number): Socket {
        return connectInside(this.agent, host, port);
    }

    /** Opens a port of this machine that leads to one inside, and nowhere else; returns it. */
    async publish(port: number): Promise<number> {
        const server = createServer((local) => {
            this.visitors.add(local);
            local.once("close", () => this.visitors.delete(local));
            join(local, this.connect("127.0.0.1", port));
        });
        this.doors.push(server);
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        return (server.address() as AddressInfo).port;
    }

    /** How many connections go through published ports now. */
    get connections(): number {
        return this.visitors.size;
    }

    /** What still runs inside goes on. */
    async stop(): Promise<void> {
        this.doors.forEach((door) => door.close());
        this.child.ref();
        this.child.stdin?.end();
        await once(this.child, "exit");
        await rm(this.folder, { recursive: true, force: true });
    }
}

/**
 * Writes a program `node` that runs the stand-in for AWS inside and everything else as it is: the engine starts plugins by it.
 * The engine's own address, the last argument, leads nowhere from there.
 * @returns a search path with it
 */
function writeNode(folder: string, agent: string, inside: readonly string[]): string {
    const bin = path.join(folder, "bin");
    mkdirSync(bin);
    const words = [...script("plugin.ts"), agent, ...inside, process.execPath];
    const file = path.join(bin, "node");
    writeFileSync(
        file,
        `#!/bin/sh
node=${shellWord(process.execPath)}
case "$2" in
*/local/aws/main.ts) exec ${words.map(shellWord).join(" ")} "$1" "$2" ;;
esac
exec "$node" "$@"
`,
    );
    chmodSync(file, 0o755);
    return [bin, process.env.PATH ?? ""].join(path.delimiter);
}
