import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import type { PulumiCommand } from "@pulumi/pulumi/automation";
import { SemVer } from "semver";
import { hasBundledPlugins } from "../../local/engine/bundledPlugins";
import { occupy } from "../../local/engine/commandLock";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { type PluginSource, realPostgresqlPlugin } from "../../local/engine/plugins";
import { CLI_MINIMUM, CLI_VERSION, type CliSources, obtainCli } from "../../local/engine/pulumiCli";
import { recover, type RecoverableStack } from "../../local/engine/recover";
import { isCommandOf } from "../../local/servers/process";
import { withTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";
import { PlainError } from "../../text/errors";

describe("stack: finding a Pulumi CLI", () => {
    const WAYS = ["onPath", "cached", "download", "build"] as const;
    type Way = (typeof WAYS)[number];

    /** A machine where the given ways work or have something that does not; notes which were tried, and what was said. */
    function machine(works: Partial<Record<Way, string>>, broken: readonly Way[] = WAYS.slice(2)) {
        const tried: Way[] = [];
        const said: string[] = [];
        const way = (name: Way) => () => {
            tried.push(name);
            const version = works[name];
            if (version !== undefined) {
                return Promise.resolve({
                    command: name,
                    version: version === "" ? null : new SemVer(version),
                } as unknown as PulumiCommand);
            }
            return broken.includes(name)
                ? Promise.reject(
                      new Error(
                          `code: -2\n stdout: \n stderr: Command failed: ${name}\n panic: broken \n err?: Error`,
                      ),
                  )
                : Promise.resolve(undefined);
        };
        const sources = Object.fromEntries(
            WAYS.map((name) => [name, way(name)]),
        ) as unknown as CliSources;
        const obtain = async (): Promise<string> =>
            (await obtainCli((line) => said.push(line), sources)).command;
        return { obtain, tried, said };
    }

    it("takes the one on PATH, silently", async () => {
        for (const version of [CLI_MINIMUM, CLI_VERSION, "4.0.0"]) {
            const { obtain, tried, said } = machine({ onPath: version, cached: CLI_VERSION });
            assert.equal(await obtain(), "onPath");
            assert.deepEqual([tried, said], [["onPath"], []]);
        }
    });

    it("does not take one on PATH that is too old or does not tell its version, and says so", async () => {
        for (const version of ["3.199.9", "2.0.0", ""]) {
            const { obtain, said } = machine({ onPath: version, cached: CLI_VERSION });
            assert.equal(await obtain(), "cached");
            assert.equal(said.length, 1);
            assert.match(said.join(), /^The Pulumi CLI on PATH is .*, older than 3\.200\.0: /);
        }
    });

    it("tries the cache, the download and the build, in this order", async () => {
        for (const [index, name] of WAYS.entries()) {
            const { obtain, tried, said } = machine({ [name]: CLI_VERSION });
            assert.equal(await obtain(), name);
            assert.deepEqual(tried, WAYS.slice(0, index + 1));
            assert.equal(said.length, [0, 0, 1, 2][index]);
        }
    });

    it("says why it passes over one that is there but does not work, before it fetches another", async () => {
        const { obtain, said } = machine({ build: CLI_VERSION }, WAYS);
        assert.equal(await obtain(), "build");
        assert.match(
            said[0] ?? "",
            /^The Pulumi CLI on PATH does not work \(Command failed: onPath: panic: broken\): using .* instead\.$/,
        );
        assert.match(
            said[1] ?? "",
            /^The Pulumi CLI in .* does not work \(Command failed: cached: panic: broken\): another one takes its place, once that works\.$/,
        );
        assert.match(said[2] ?? "", /^Downloading the Pulumi CLI /);
    });

    it("ends with one sentence that names every way when none works", async () => {
        const { obtain, tried } = machine({});
        await assert.rejects(obtain, (error) => {
            assert.ok(error instanceof PlainError);
            assert.match(
                error.message,
                /^No Pulumi CLI could be had: none on PATH that works, the download failed \(Command failed: download: panic: broken\), and so did the build from Go modules \(Command failed: build: panic: broken\); install .*, and run the command again\.$/,
            );
            return true;
        });
        assert.deepEqual(tried, WAYS);
    });
});

describe("stack: the postgresql plugin", () => {
    async function decide(source: Partial<PluginSource>) {
        const calls: string[] = [];
        const said: string[] = [];
        const real = await realPostgresqlPlugin(
            {
                installed: () => false,
                failedLately: () => false,
                download: () => {
                    calls.push("download");
                    return Promise.resolve(false);
                },
                rememberFailure: () => calls.push("rememberFailure"),
                ...source,
            },
            (line) => said.push(line),
        );
        return { real, calls, said };
    }

    it("is the real one when it is installed, without a download", async () => {
        assert.deepEqual(await decide({ installed: () => true }), {
            real: true,
            calls: [],
            said: [],
        });
    });

    it("is the real one when it can be downloaded", async () => {
        const { real, calls, said } = await decide({ download: () => Promise.resolve(true) });
        assert.deepEqual([real, calls, said], [true, [], []]);
    });

    it("is the stand-in when the download fails, which is remembered and said", async () => {
        const { real, calls, said } = await decide({});
        assert.deepEqual([real, calls], [false, ["download", "rememberFailure"]]);
        assert.match(said.join("\n"), /^The postgresql plugin \d.* cannot be downloaded: .*\.$/);
    });

    it("is the stand-in without another attempt when the download failed lately", async () => {
        const { real, calls, said } = await decide({ failedLately: () => true });
        assert.deepEqual([real, calls, said], [false, [], []]);
    });
});

describe("stack: what a killed engine left", () => {
    /** A stack's state with the given lock and pending operations; notes what is done about them. */
    async function recovered(lock: string | undefined, pending?: unknown[]): Promise<string[]> {
        return await withTempDir(async (engineDir) => {
            const locks = path.join(engineDir, "state", ".pulumi", "locks", "organization", "x");
            await mkdir(locks, { recursive: true });
            if (lock !== undefined) {
                await writeFile(path.join(locks, "lock.json"), lock);
            }
            const done: string[] = [];
            const deployment = { resources: ["kept"], pending_operations: pending };
            const stacks = path.join(engineDir, "state", ".pulumi", "stacks", "audit-trail");
            await mkdir(stacks, { recursive: true });
            const checkpoint = { latest: deployment };
            await writeFile(path.join(stacks, "local.json"), JSON.stringify({ checkpoint }));
            const stack: RecoverableStack = {
                name: "local",
                cancel: () => {
                    done.push("cancel");
                    return Promise.resolve();
                },
                exportStack: () => {
                    done.push("export");
                    return Promise.resolve({ version: 3, deployment });
                },
                importStack: (state) => {
                    done.push(`import ${JSON.stringify(state)}`);
                    return Promise.resolve();
                },
            };
            await recover(stack, engineDir, () => undefined);
            return done;
        });
    }

    const lockOf = (pid: number | undefined): string =>
        JSON.stringify({ pid, username: "somebody", hostname: hostname(), timestamp: "2026" });

    /** A process that does nothing until it is killed, with `name` among its arguments. */
    async function idle(name: string, work: (pid: number) => Promise<void>): Promise<void> {
        const script = "process.stdout.write('.'); setInterval(() => {}, 1000)";
        const child: ChildProcess = spawn(process.execPath, ["-e", script, name]);
        try {
            assert.ok(child.stdout !== null);
            await once(child.stdout, "data");
            await work(child.pid ?? NaN);
        } finally {
            const ended = once(child, "exit");
            if (child.kill("SIGKILL")) {
                await ended;
            }
        }
    }

    it("is nothing: nothing is done", async () => {
        assert.deepEqual(await recovered(undefined), []);
        assert.deepEqual(await recovered(undefined, []), ["export"]);
    });

    it("is a lock of a process that is gone: it is cleared", async () => {
        const child = spawn(process.execPath, ["-e", "", "pulumi"]);
        await once(child, "exit");
        assert.deepEqual(await recovered(lockOf(child.pid)), ["cancel"]);
    });

    it("is a lock whose process number another program has got since: it is cleared", async () => {
        await idle("something-else", async (pid) => {
            assert.deepEqual(await recovered(lockOf(pid)), ["cancel"]);
        });
    });

    it("is a lock file that was not written to its end: it is cleared", async () => {
        assert.deepEqual(await recovered(""), ["cancel"]);
        assert.deepEqual(await recovered('{"pid": 1'), ["cancel"]);
    });

    it("are operations that were announced: they are forgotten, the rest of the state is kept", async () => {
        const done = await recovered(undefined, [{ type: "creating" }]);
        assert.deepEqual(done, [
            "export",
            'import {"version":3,"deployment":{"resources":["kept"],"pending_operations":[]}}',
        ]);
    });

    it("is not touched while the engine is still at work", async () => {
        let busy = NaN;
        await idle("pulumi", async (pid) => {
            busy = pid;
            await assert.rejects(recovered(lockOf(pid), [{ type: "creating" }]), {
                message: `Another update of this stack is running (process ${String(pid)}); wait for its end and run the command again.`,
            });
        });
        await until(async () => (await recovered(lockOf(busy))).includes("cancel"));
    });

    it("is not touched while the command that started the engine lives", async () => {
        const command = createServer().listen(0, "127.0.0.1");
        await once(command, "listening");
        try {
            const { port } = command.address() as AddressInfo;
            await idle(`pulumi up --client=127.0.0.1:${String(port)}`, async (pid) => {
                await assert.rejects(recovered(lockOf(pid)), /Another update of this stack/);
                assert.equal(await isCommandOf(pid, "pulumi"), true);
            });
        } finally {
            command.close();
        }
    });

    it("is an engine that went on without its command: it is ended, its lock cleared", async () => {
        const command = createServer().listen(0, "127.0.0.1");
        await once(command, "listening");
        const { port } = command.address() as AddressInfo;
        command.close();
        await once(command, "close");
        await idle(`pulumi up --client=127.0.0.1:${String(port)}`, async (pid) => {
            assert.deepEqual(await recovered(lockOf(pid)), ["cancel"]);
            assert.equal(await isCommandOf(pid, "pulumi"), false);
        });
    });
});

describe("stack: the one command at work on it", function () {
    const lock = JSON.stringify(path.join(PROJECT_ROOT, "local", "engine", "commandLock"));

    /** Another process that takes the folder; what it said, and a way to end it. */
    async function another(folder: string) {
        const script = `try { require(${lock}).occupy(${JSON.stringify(folder)}); console.log("taken"); }
            catch (error) { console.log(error.message); }
            setInterval(() => undefined, 1000);`;
        const child = spawn(process.execPath, ["--require", "tsx/cjs", "-e", script]);
        const [said] = (await once(child.stdout, "data")) as [Buffer];
        const kill = async (): Promise<void> => {
            child.kill("SIGKILL");
            await once(child, "exit");
        };
        return { said: said.toString().trim(), pid: child.pid, kill };
    }

    it("is named to every other, and its place is free when it was killed", async () => {
        await withTempDir(async (folder) => {
            const { said, pid, kill } = await another(folder);
            assert.equal(said, "taken");
            assert.throws(
                () => {
                    occupy(folder);
                },
                {
                    message: `Another update of this stack is running (process ${String(pid)}); wait for its end and run the command again.`,
                },
            );
            await kill();
            occupy(folder);
            occupy(folder);
        });
    });
});

describe("stack: whether the Pulumi CLI brings its own plugins", () => {
    /** A CLI's folder with these files beside it, and a folder on PATH with a link to it. */
    async function cliFolder(root: string, beside: readonly string[]) {
        const download = path.join(root, "download");
        const onPath = path.join(root, "on path");
        await mkdir(download);
        await mkdir(onPath);
        for (const name of ["pulumi", ...beside]) {
            await writeFile(path.join(download, name), "");
        }
        await symlink(path.join(download, "pulumi"), path.join(onPath, "pulumi"));
        return { command: path.join(download, "pulumi"), onPath };
    }
    const HOSTS = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

    it("knows the vendor's download of today and that of before February 2026", async () => {
        for (const beside of [HOSTS, [...HOSTS, "pulumi-analyzer-policy-nodejs"]]) {
            await withTempDir(async (root) => {
                const { command, onPath } = await cliFolder(root, beside);
                assert.equal(hasBundledPlugins(command, ""), true);
                const searchPath = [path.join(root, "none"), onPath].join(path.delimiter);
                assert.equal(hasBundledPlugins("pulumi", searchPath), true);
            });
        }
    });

    it("misses them beside a CLI that was built from modules, also where one of the two is there", async () => {
        for (const beside of [[], ...HOSTS.map((host) => [host])]) {
            await withTempDir(async (root) => {
                const { command, onPath } = await cliFolder(root, beside);
                assert.equal(hasBundledPlugins(command, ""), false);
                assert.equal(hasBundledPlugins("pulumi", onPath), false);
            });
        }
    });

    it("misses them where no CLI is found", () => {
        assert.equal(hasBundledPlugins("pulumi", path.join(tmpdir(), "no such folder")), false);
    });
});
