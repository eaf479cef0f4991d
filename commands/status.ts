import { replicator } from "../local/aws/taskControl";
import { taskFolder, taskIds } from "../local/aws/tasks";
import { taskStatus } from "../local/dms/control";
import { isRdsServerRunning } from "../local/servers/rds";
import { findRecord, rdsIdentifiers } from "../local/servers/rdsFiles";
import type { Route } from "../reach/route";
import { DEFAULT_GROUP } from "../trail/tableGroups";
import { Database } from "../verify/database";
import { type Overview, overviewLines, readOverview } from "../verify/overview";
import { runCommand, say } from "./shared/command";
import { connect } from "./shared/databaseSession";
import { failureText } from "./shared/failureText";
import { laptopGroup, localStackDir, notDeployed, unfinishedUrls } from "./shared/localStack";
import { optionsOf } from "./shared/usage";

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
    /** The group of tables that it carries. */
    readonly group: string;
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
            group: laptopGroup(id),
            runs: replicator.isTaskRunning(folder),
            state: status?.state ?? "never started",
            error: status?.error,
            appliedTimestamp: status?.appliedTimestamp ?? null,
            lagMs: status?.lagMs ?? null,
            suspendedTables: status?.suspendedTables ?? [],
        };
    });
}

/** What the databases say, or why they say nothing. */
interface TrailState {
    readonly overview: Overview | null;
    readonly problem: string | null;
    /** Whether the databases could be asked as far as their servers run. */
    readonly answers: boolean;
}

/** What there is to say of a trail whose secrets or tables are not there. */
const NOT_WHOLE = "none: a deployment or a stop of the stack has not come to its end";

/** A status that hangs tells nothing. */
const ANSWER_WITHIN_MS = 10_000;

async function trailState(servers: readonly ServerState[]): Promise<TrailState> {
    const { sourceUrl, auditUrl, route } = await unfinishedUrls();
    if (sourceUrl === undefined || auditUrl === undefined) {
        return { overview: null, problem: NOT_WHOLE, answers: false };
    }
    const ports = [sourceUrl, auditUrl].map((url) => Number(new URL(url).port));
    const down = servers.filter(({ runs, port }) => !runs && ports.includes(port ?? 0));
    if (down.length > 0) {
        const names = down.map(({ name }) => name).join(", ");
        return { overview: null, problem: `unknown while ${names} is down`, answers: true };
    }
    try {
        const overview = await askDatabases(sourceUrl, auditUrl, route);
        return overview === undefined
            ? { overview: null, problem: NOT_WHOLE, answers: false }
            : { overview, problem: null, answers: true };
    } catch (error) {
        return { overview: null, problem: failureText(error), answers: false };
    }
}

async function askDatabases(
    sourceUrl: string,
    auditUrl: string,
    route: Route | undefined,
): Promise<Overview | undefined> {
    const session = { queryTimeoutMs: ANSWER_WITHIN_MS, route };
    const source = await connect(sourceUrl, "status", session);
    try {
        const audit = await connect(auditUrl, "status", session);
        try {
            return await readOverview(
                await Database.prepare(source, "source"),
                await Database.prepare(audit, "audit"),
            );
        } finally {
            await audit.end();
        }
    } finally {
        await source.end();
    }
}

function trailLines({ overview, problem }: TrailState): string[] {
    const lines = overview === null ? [problem ?? ""] : overviewLines(overview);
    return lines.map((line) => `  ${line}`);
}

function serverLine({ name, runs, port }: ServerState): string {
    return `  ${runs ? `runs on port ${String(port)} of localhost` : "does not run"}: ${name}`;
}

function taskLines({ name, group, state, error, ...task }: TaskState): string[] {
    const { appliedTimestamp, lagMs, suspendedTables } = task;
    return [
        `  ${state}: ${name}${group === DEFAULT_GROUP ? "" : ` (group ${group})`}`,
        ...(error === undefined ? [] : [`    ${error}`]),
        ...(appliedTimestamp === null ? [] : [`    last change applied: ${appliedTimestamp}`]),
        ...(lagMs === null ? [] : [`    ${String(lagMs)} ms after its commit at the source`]),
        ...suspendedTables.map((table) => `    suspended: ${table}`),
    ];
}

/** `npm run status`: what runs, and what the trail says. Exit code 1 when something that should run or answer does not. */
runCommand(
    optionsOf("status"),
    async ({ json }) => {
        const stackDir = localStackDir();
        const [servers, tasks] = [await serverStates(stackDir), await taskStates(stackDir)];
        if (servers.length === 0) {
            throw notDeployed();
        }
        const trail = await trailState(servers);
        const isWhole =
            trail.answers &&
            servers.every(({ runs, wanted }) => runs || !wanted) &&
            tasks.length > 0 &&
            tasks.every(({ state, suspendedTables }) => {
                return state === "running" && suspendedTables.length === 0;
            });
        const advice =
            tasks.length === 0 || trail.problem === NOT_WHOLE
                ? 'Run "npm start" to complete the stack, or "npm stop" to remove it.'
                : 'Run "npm start" to bring back what does not run.';
        if (json) {
            say(JSON.stringify({ servers, tasks, trail }, null, 2));
        } else {
            say("Servers");
            servers.map(serverLine).forEach(say);
            say(tasks.length > 1 ? "Replication tasks" : "Replication task");
            (tasks.length === 0 ? ["  none"] : tasks.flatMap(taskLines)).forEach(say);
            say("Trail");
            trailLines(trail).forEach(say);
            if (!isWhole) {
                say(`\n${advice}`);
            }
        }
        process.exitCode = isWhole ? 0 : 1;
    },
    1,
    "end at once",
);
