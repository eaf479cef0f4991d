import type { Stack } from "@pulumi/pulumi/automation";
import { prepareSession } from "../database/session";
import { type ReviveReport, reviveStack } from "../local/aws/revive";
import { taskFolder, taskIds } from "../local/aws/tasks";
import { expectedResources, rememberResources } from "../local/engine/expectedResources";
import { type OperationSettings, update } from "../local/engine/operation";
import type { EngineReport } from "../local/engine/progress";
import { obtainCli } from "../local/engine/pulumiCli";
import { recover } from "../local/engine/recover";
import { localStackPlace, openStack } from "../local/engine/workspace";
import { PlainError } from "../text/errors";
import { wrapped } from "../text/terminalLines";
import { type CommandOptions, runCommand, say, sayWarnings } from "./shared/command";
import { connect } from "./shared/databaseSession";
import {
    type ConnectionUrls,
    connectionUrls,
    localStackDir,
    unfinishedUrls,
} from "./shared/localStack";
import { watchTasks } from "./shared/taskNews";
import { optionsOf } from "./shared/usage";
import { allServersRun, whatGoesOn } from "./shared/whatGoesOn";
import { walkThrough } from "./walkthrough";

const BEGINNING =
    "Deploying the audit trail: two PostgreSQL servers and the DMS task really run, and every other AWS resource is recorded. This takes 10 to 90 seconds.";

/** The resources that an update touched, in the engine's words: "84 created", "2 updated, 82 unchanged". */
function changesOf({ changes }: EngineReport): string {
    const words: Record<string, string> = {
        create: "created",
        update: "updated",
        same: "unchanged",
        delete: "deleted",
        replace: "replaced",
    };
    const parts = Object.entries(changes).flatMap(([operation, count]) =>
        words[operation] === undefined || count === 0
            ? []
            : [`${String(count)} ${words[operation]}`],
    );
    return parts.join(", ");
}

/** The article's walk-through. */
async function showTrail(urls: ConnectionUrls, interruption: AbortSignal): Promise<void> {
    const { sourceUrl, auditUrl, route } = urls;
    const source = await connect(sourceUrl, "walk-through", { route });
    try {
        const audit = await connect(auditUrl, "walk-through", { route });
        try {
            await Promise.all([prepareSession(source), prepareSession(audit)]);
            await walkThrough(source, audit, interruption);
        } finally {
            await audit.end();
        }
    } finally {
        await source.end();
    }
}

/** What an update that failed has left running, and of a first one where the addresses of its servers are. */
async function tellWhatRuns(stack: Stack): Promise<void> {
    const outputs = await stack.outputs().catch(() => undefined);
    const isFirst = outputs !== undefined && Object.keys(outputs).length === 0;
    if (isFirst && Object.keys(await unfinishedUrls()).length > 0 && (await allServersRun())) {
        say(
            'The servers run: "npm run -s outputs" has their addresses. Run "npm start" again to go on.',
        );
        return;
    }
    const more = await whatGoesOn();
    if (more !== "") {
        say(more);
    }
}

/** Updates the stack; where its first update fails with the servers made, says where their addresses are. */
async function updateOf(
    stack: Stack,
    settings: OperationSettings,
): Promise<Awaited<ReturnType<typeof update>>> {
    try {
        return await update(stack, settings);
    } catch (error) {
        if (!settings.interruption.aborted) {
            // The error matters more than what keeps this from being shown, for example a state that the update could not write.
            await tellWhatRuns(stack).catch(() => undefined);
        }
        throw error;
    }
}

async function taskFolders(): Promise<string[]> {
    const stackDir = localStackDir();
    return (await taskIds(stackDir)).map((id) => taskFolder(stackDir, id));
}

/** Brings the stack back, and says meanwhile what its tasks wait for. */
async function revive(): Promise<ReviveReport> {
    const end = watchTasks(taskFolders, say);
    try {
        return await reviveStack(localStackDir());
    } finally {
        end();
    }
}

/** `npm start`: deploys or updates the laptop stack, runs the walk-through and says how to connect. */
async function start(
    { verbose, walkthrough }: CommandOptions,
    interruption: AbortSignal,
): Promise<void> {
    const cli = await obtainCli(say);
    const place = localStackPlace();
    const stack = await openStack(cli, place, say);
    await recover(stack, place.engineDir, say);
    const revived = await revive();
    for (const what of [...revived.servers, ...revived.tasks]) {
        say(`Started again: ${what}`);
    }
    for (const reason of revived.failures) {
        say(`Not started again: ${reason}`);
    }
    interruption.throwIfAborted();
    wrapped(BEGINNING, "", "").forEach(say);
    const resources = await expectedResources(place);
    const { outputs, report } = await updateOf(stack, {
        verbose,
        interruption,
        resources,
        watch: (show) => watchTasks(taskFolders, show),
    });
    await rememberResources(place);
    interruption.throwIfAborted();
    // A task that did not start and that the update had no reason to change.
    const { failures } = await revive();
    if (failures.length > 0) {
        throw new PlainError(failures.join("\n"));
    }
    say(`Resources: ${changesOf(report)}. The policy pack in policy/ passed.`);
    sayWarnings(report.warnings);

    const urls = await connectionUrls(outputs);
    // The walk-through writes to the demo table, and to no table of anybody else.
    const hasDemo = (await stack.getAllConfig())["audit-trail:demoTable"]?.value === "true";
    if (walkthrough && hasDemo) {
        await showTrail(urls, interruption);
    }
    say(`
The stack is running:

  npm run psql -- source     a session on the source database
  npm run psql -- audit      a session on the audit-log database
  npm run -s outputs         the addresses of both, with passwords, as JSON
  npm run status             what runs, and how far the task is
  npm run verify             the proof that the trail is complete

npm stop destroys it and leaves nothing behind.`);
}

runCommand(optionsOf("start"), start, 1, "finish the step", whatGoesOn);
