import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { utils } from "ssh2";
import { leastEnvironment } from "../local/environment";
import { freePort } from "../local/servers/ports";
import { makeTempDir } from "./tempDir";
import { until } from "./until";

/** A throw-away SSH server that only forwards connections. */
export interface Sshd {
    readonly host: string;
    readonly port: number;
    /** Who may log in: the user that runs it. */
    readonly user: string;
    /** The public key line of the host. */
    readonly hostKey: string;
    /** File of the private key that may log in. */
    readonly keyFile: string;
    /** What it has logged so far. */
    log(): string;
    stop(): Promise<void>;
}

/** OpenSSH's server, which has to be called by its full path. */
function findSshd(): string {
    const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
    for (const folder of folders.filter((one) => one !== "")) {
        const file = path.join(folder, "sshd");
        try {
            accessSync(file, constants.X_OK);
            return file;
        } catch {
            // The next one, then.
        }
    }
    throw new Error(
        "The tests of tunnels need OpenSSH's server, and there is no sshd; install it (on Debian openssh-server) and run them again.",
    );
}

function settings(folder: string, port: number, more: readonly string[]): string {
    return [
        ...more,
        `Port ${String(port)}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${path.join(folder, "host")}`,
        `AuthorizedKeysFile ${path.join(folder, "authorized")}`,
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin prohibit-password",
        "AuthenticationMethods publickey",
        "PermitTTY no",
        "ForceCommand false",
        "LogLevel VERBOSE",
        "",
    ].join("\n");
}

/**
 * Starts an SSH server on a free port of 127.0.0.1 as the current user, with keys of its own. It ends with `stop()`, or
 * with this process, however that ends.
 * @param more lines of sshd_config, which win over the defaults
 * @param before begins the command line that runs it; by it the server can run in another network
 */
export async function startSshd(
    more: readonly string[] = [],
    before: readonly string[] = [],
): Promise<Sshd> {
    const program = findSshd();
    const folder = await makeTempDir();
    const file = (name: string): string => path.join(folder, name);
    const host = utils.generateKeyPairSync("ed25519");
    const login = utils.generateKeyPairSync("ed25519");
    writeFileSync(file("host"), host.private, { mode: 0o600 });
    writeFileSync(file("login"), login.private, { mode: 0o600 });
    writeFileSync(file("authorized"), `${login.public}\n`, { mode: 0o600 });
    const port = await freePort();
    writeFileSync(file("config"), settings(folder, port, more));
    if (process.getuid?.() === 0) {
        // A package makes it when it starts the service.
        mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    }
    // The input ends when `stop` closes it and also when this process dies.
    const script =
        '"$@" & pid=$!; cat >/dev/null; kill $pid 2>/dev/null; wait $pid; rm -rf -- "$0"';
    const args = [...before, program, "-D", "-f", file("config"), "-E", file("log")];
    const child = spawn("sh", ["-c", script, folder, ...args], {
        cwd: "/",
        env: leastEnvironment(),
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = once(child, "exit");
    child.unref();
    const log = (): string => {
        try {
            return readFileSync(file("log"), "utf8");
        } catch {
            return "";
        }
    };
    await until(() => Promise.resolve(log().includes(`listening on 127.0.0.1 port ${port}`)));
    return {
        host: "127.0.0.1",
        port,
        user: userInfo().username,
        hostKey: host.public,
        keyFile: file("login"),
        log,
        stop: async () => {
            child.ref();
            child.stdin.end();
            await ended;
        },
    };
}
