import type { Stack } from "@pulumi/pulumi/automation";
import { Client } from "pg";
import { prepareSession, SESSION_OPTIONS } from "../../components/database/session";
import { reviveStack } from "../aws/revive";
import { obtainCli } from "../engine/cli";
import { type OperationSettings, update } from "../engine/operation";
import { EngineReport } from "../engine/progress";
import { recover } from "../engine/recover";
import { localStackPlace, openStack } from "../engine/workspace";
import { CommandError, runCommand, say } from "./command";
import { type ConnectionUrls, connectionUrls, localStackDir, unfinishedUrls } from "./localStack";
import { walkThrough } from "./walkthrough";

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
async function showTrail(urls: ConnectionUrls): Promise<void> {
    const source = new Client({ connectionString: urls.sourceUrl, options: SESSION_OPTIONS });
    const audit = new Client({ connectionString: urls.auditUrl, options: SESSION_OPTIONS });
    await Promise.all([source.connect(), audit.connect()]);
    try {
        await Promise.all([prepareSession(source), prepareSession(audit)]);
        await walkThrough(source, audit);
    } finally {
        await Promise.all([source.end(), audit.end()]);
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
        const isFirst =
            !settings.interruption.aborted && Object.keys(await stack.outputs()).length === 0;
        if (isFirst && Object.keys(await unfinishedUrls()).length > 0) {
            say(
                'The servers run: "npm run -s outputs" has their addresses. Run "npm start" again to go on.',
            );
        }
        throw error;
    }
}

/** `npm start`: deploys or updates the laptop stack, runs the walk-through and says how to connect. */
runCommand([], async ({ verbose }, interruption) => {
    const cli = await obtainCli(say);
    const place = localStackPlace();
    const stack = await openStack(cli, place, say);
    await recover(stack, place.engineDir, say);
    const revived = await reviveStack(localStackDir());
    for (const what of [...revived.servers, ...revived.tasks]) {
        say(`Started again: ${what}`);
    }
    for (const reason of revived.failures) {
        say(`Not started again: ${reason}`);
    }
    interruption.throwIfAborted();
    say(
        "Deploying the audit trail: two PostgreSQL servers, the DMS task, and every AWS resource recorded.",
    );
    const { outputs, report } = await updateOf(stack, { verbose, interruption });
    interruption.throwIfAborted();
    // A task that did not start and that the update had no reason to change.
    const { failures } = await reviveStack(localStackDir());
    if (failures.length > 0) {
        throw new CommandError(failures.join("\n"));
    }
    say(`Resources: ${changesOf(report)}. The policy pack in policy/ passed.`);

    const urls = await connectionUrls(outputs);
    // The walk-through writes to the demo table, and to no table of anybody else.
    if ((await stack.getAllConfig())["audit-trail:demoTable"]?.value === "true") {
        await showTrail(urls);
    }
    say(`
The stack is running. To connect (with the passwords of this machine's stack in them):

  psql "$(npm run -s outputs | node -p 'JSON.parse(fs.readFileSync(0)).sourceUrl')"
  psql "$(npm run -s outputs | node -p 'JSON.parse(fs.readFileSync(0)).auditUrl')"

npm stop destroys it and leaves nothing behind.`);
});
