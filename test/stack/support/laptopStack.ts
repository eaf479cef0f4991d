import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import type { ConnectionUrls } from "../../../commands/shared/localStack";
import { startTicks } from "../../../local/dms/processIdentity";
import { PROJECT_ROOT } from "../../../local/engine/paths";
import { namesIn } from "../../../local/servers/files";
import { isPortFree } from "../../../local/servers/ports";
import { readRecord } from "../../../local/servers/rdsFiles";
import {
    type CommandResult,
    type Environment,
    npmRun,
    type RunningCommand,
    signalGroup,
} from "../../../testing/command";
import { makeTempDir } from "../../../testing/tempDir";
import type { TableName } from "../../../trail/tableDefinition";

/** A process of the stack, told from a later one with the same number by its start. */
export interface StackProcess {
    readonly what: string;
    readonly pid: number;
    readonly startTicks: string | undefined;
}

/** The settings of a test's stack, `Pulumi.local.yaml` without its namespace. */
export type Settings = Readonly<Record<string, unknown>>;

/** The article's set-up, as local/Pulumi.local.yaml has it. */
export const ARTICLE: Settings = {
    tables: ["public.items"],
    demoTable: true,
    deletionProtection: false,
    sshCidr: "127.0.0.1/32",
};

let made = 0;

/**
 * A laptop stack of a test's own: its folders, and the commands as a person runs them. Whatever becomes of the test
 * and of this process, the stack is destroyed at their end.
 */
export class LaptopStack {
    private readonly commands: RunningCommand[] = [];

    private constructor(
        /** The folder of everything the stack has, inside the project. */
        readonly localDir: string,
        private readonly settingsDir: string,
        private readonly changes: Environment,
        private readonly closeGuard: () => Promise<void>,
    ) {}

    /** @param changes what is special about the environment of all its commands */
    static async make(
        settings: Settings = ARTICLE,
        changes: Environment = {},
    ): Promise<LaptopStack> {
        made += 1;
        const localDir = path.join(
            PROJECT_ROOT,
            `.local-test-${String(process.pid)}-${String(made)}`,
        );
        const settingsDir = await makeTempDir();
        const stack = new LaptopStack(localDir, settingsDir, changes, guard(localDir, settingsDir));
        await stack.configure(settings);
        return stack;
    }

    /** The folder of the servers, the tasks and the recorded resources. */
    get stackDir(): string {
        return path.join(this.localDir, "local");
    }

    /** Replaces the stack's settings; they count from the next command on. */
    async configure(settings: Settings): Promise<void> {
        const config = Object.entries(settings).map(([key, value]) => [
            key.includes(":") ? key : `audit-trail:${key}`,
            value,
        ]);
        // JSON is YAML.
        await this.writeSettings(JSON.stringify({ config: Object.fromEntries(config) as unknown }));
    }

    /** Takes the settings file away. */
    async forgetSettings(): Promise<void> {
        await rm(this.settingsFile);
    }

    get settingsFile(): string {
        return path.join(this.settingsDir, "Pulumi.local.yaml");
    }

    /** The settings file's text, also one that is no YAML. */
    async writeSettings(text: string): Promise<void> {
        await writeFile(this.settingsFile, text);
    }

    get environment(): Environment {
        return {
            ...this.changes,
            AUDIT_TRAIL_LOCAL_DIR: this.localDir,
            AUDIT_TRAIL_LOCAL_SETTINGS: this.settingsDir,
        };
    }

    /** Begins a command; the test may interrupt it. */
    begin(script: string, ...args: readonly string[]): RunningCommand {
        return this.beginWith({}, script, ...args);
    }

    /** Begins a command with further changes of its environment. */
    beginWith(changes: Environment, script: string, ...args: readonly string[]): RunningCommand {
        const command = npmRun(script, { ...this.environment, ...changes }, args);
        this.commands.push(command);
        return command;
    }

    /** Runs a command to its end, however it ends. */
    async attempt(script: string, ...args: readonly string[]): Promise<CommandResult> {
        return await this.begin(script, ...args).ended;
    }

    /** Runs SQL by `npm run psql`, which reads it from its standard input. */
    async sql(side: "source" | "audit", text: string): Promise<CommandResult> {
        const command = npmRun("psql", this.environment, [side], text);
        this.commands.push(command);
        return await command.ended;
    }

    /** Runs a command that has to succeed. */
    async run(script: string, ...args: readonly string[]): Promise<CommandResult> {
        const result = await this.attempt(script, ...args);
        assert.equal(result.code, 0, `npm run ${script} failed:\n${result.output}`);
        return result;
    }

    async outputs(): Promise<ConnectionUrls & Readonly<Record<string, unknown>>> {
        const { stdout } = await this.run("outputs");
        return JSON.parse(stdout) as ConnectionUrls & Readonly<Record<string, unknown>>;
    }

    /** Identifiers of the stack's clusters. */
    async clusters(): Promise<string[]> {
        return await namesIn(path.join(this.stackDir, "servers"));
    }

    /** Ports of the stack's servers, running or not. */
    async ports(): Promise<number[]> {
        const clusters = await this.clusters();
        return await Promise.all(
            clusters.map(async (id) => (await readRecord(this.stackDir, id)).port),
        );
    }

    /** The recorded processes that live: the servers' postmasters and the tasks' replicators. */
    async processes(): Promise<StackProcess[]> {
        const found: StackProcess[] = [];
        for (const id of await this.clusters()) {
            const file = path.join(this.stackDir, "servers", id, "data", "postmaster.pid");
            const [pid] = existsSync(file) ? (await readFile(file, "utf8")).split("\n") : [];
            found.push(stackProcess(`server ${id}`, Number(pid)));
        }
        for (const id of await namesIn(path.join(this.stackDir, "tasks"))) {
            const file = path.join(this.stackDir, "tasks", id, "process.json");
            const { pid } = existsSync(file)
                ? (JSON.parse(await readFile(file, "utf8")) as { readonly pid: number })
                : { pid: NaN };
            found.push(stackProcess(`task ${id}`, pid));
        }
        return found.filter((one) => one.startTicks !== undefined);
    }

    /** Asks its tasks to load a table anew, as the API's ReloadTables does. */
    async reload({ schema, table }: TableName): Promise<void> {
        const request = JSON.stringify([{ SchemaName: schema, TableName: table }]);
        for (const id of await namesIn(path.join(this.stackDir, "tasks"))) {
            await writeFile(path.join(this.stackDir, "tasks", id, "reload.json"), request);
        }
    }

    /** Destroys the stack, with these changes of its environment, and checks that nothing of it is left. */
    async stop(changes: Environment = {}, ...args: readonly string[]): Promise<CommandResult> {
        const processes = await this.processes();
        const ports = await this.ports();
        const result = await this.beginWith(changes, "stop", ...args).ended;
        assert.equal(result.code, 0, `npm stop failed:\n${result.output}`);
        assert.deepEqual(processes.filter(isLiving), [], "processes are left");
        for (const port of ports) {
            assert.ok(await isPortFree(port), `port ${String(port)} is taken`);
        }
        assert.ok(!existsSync(this.localDir), "the stack's folder is left");
        return result;
    }

    /** For `after`: ends what a failed test left. */
    async dispose(): Promise<void> {
        for (const { child, ended } of this.commands) {
            signalGroup(child, "SIGKILL");
            await ended;
        }
        await this.closeGuard();
    }
}

export function stackProcess(what: string, pid: number): StackProcess {
    return { what, pid, startTicks: startTicks(pid) };
}

/** Whether this very process still lives. */
export function isLiving(one: StackProcess): boolean {
    return startTicks(one.pid) !== undefined && startTicks(one.pid) === one.startTicks;
}

/** A process that ends the stack when the returned function is called or this process dies, by whatever signal. */
export function guard(localDir: string, settingsDir: string): () => Promise<void> {
    const sweep = path.join(__dirname, "sweep.ts");
    const child = spawn(process.execPath, ["--import", "tsx", sweep, localDir, settingsDir], {
        cwd: PROJECT_ROOT,
        detached: true,
        stdio: ["pipe", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    child.unref();
    return async () => {
        child.ref();
        child.stdin.end();
        const [code] = (await ended) as [number | null];
        assert.equal(code, 0, `what is left in ${localDir} could not be ended`);
    };
}

/** Connects, hands the connection to `work` and closes it. */
export async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
        return await work(client);
    } finally {
        await client.end();
    }
}
