import { replicator } from "../aws/control";
import { taskFolder, taskIds } from "../aws/tasks";
import { taskStatus } from "../dms/control";
import { isRdsServerRunning } from "../servers/rds";
import { findRecord, rdsIdentifiers } from "../servers/rdsFiles";
import { CommandError, runCommand, say } from "./command";
import { localStackDir } from "./localStack";
import { optionsOf } from "./usage";

/** A server of the stack. */
interface ServerState {
    readonly name: string;
    readonly runs: boolean;
    /** Whether it should run. */
    readonly wanted: boolean;
    readonly port: number | undefined;
}

/** The replication task, as its own status file has it. */
interface TaskState {
    readonly name: string;
    readonly runs: boolean;
    readonly state: string;
    readonly error: string | undefined;
    /** Commit time at the source of the last transaction that was applied. */
    readonly appliedTimestamp: string | null;
    /** Milliseconds from that commit to the commit in staging. */
    readonly lagMs: number | null;
    readonly suspendedTables: readonly string[];
}

async function serverStates(stackDir: string): Promise<ServerState[]> {
    const identifiers = await rdsIdentifiers(stackDir);
    return await Promise.all(
        identifiers.map(async (name) => {
            const record = await findRecord(stackDir, name);
            return {
                name,
                runs: await isRdsServerRunning(stackDir, name),
                wanted: record?.wanted === true,
                port: record?.port,
            };
        }),
    );
}

async function taskStates(stackDir: string): Promise<TaskState[]> {
    const ids = await taskIds(stackDir);
    return ids.map((id) => {
        const folder = taskFolder(stackDir, id);
        const status = taskStatus(folder);
        return {
            name: status?.taskIdentifier ?? id,
            runs: replicator.isTaskRunning(folder),
            state: status?.state ?? "never started",
            error: status?.error,
            appliedTimestamp: status?.appliedTimestamp ?? null,
            lagMs: status?.lagMs ?? null,
            suspendedTables: status?.suspendedTables ?? [],
        };
    });
}

function serverLine({ name, runs, port }: ServerState): string {
    return `  ${runs ? `runs on port ${String(port)} of localhost` : "does not run"}: ${name}`;
}

function taskLines({ name, state, error, ...task }: TaskState): string[] {
    const { appliedTimestamp, lagMs, suspendedTables } = task;
    return [
        `  ${state}: ${name}`,
        ...(error === undefined ? [] : [`    ${error}`]),
        ...(appliedTimestamp === null ? [] : [`    last change applied: ${appliedTimestamp}`]),
        ...(lagMs === null ? [] : [`    ${String(lagMs)} ms after its commit at the source`]),
        ...suspendedTables.map((table) => `    suspended: ${table}`),
    ];
}

/** `npm run status`: what runs. Exit code 1 when something that should run does not. */
runCommand(
    optionsOf("status"),
    async ({ json }) => {
        const stackDir = localStackDir();
        const [servers, tasks] = [await serverStates(stackDir), await taskStates(stackDir)];
        if (servers.length === 0) {
            throw new CommandError('The laptop stack is not deployed; run "npm start" first.');
        }
        const isWhole =
            servers.every(({ runs, wanted }) => runs || !wanted) &&
            tasks.every(({ state, suspendedTables }) => {
                return state === "running" && suspendedTables.length === 0;
            });
        if (json) {
            say(JSON.stringify({ servers, tasks }, null, 2));
        } else {
            say("Servers");
            servers.map(serverLine).forEach(say);
            say("Replication task");
            tasks.flatMap(taskLines).forEach(say);
            if (!isWhole) {
                say('\nRun "npm start" to bring back what does not run.');
            }
        }
        process.exitCode = isWhole ? 0 : 1;
    },
    1,
    "end at once",
);
