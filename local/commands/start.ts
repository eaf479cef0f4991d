import { Client } from "pg";
import { reviveStack } from "../aws/revive";
import { obtainCli } from "../engine/cli";
import { update } from "../engine/operation";
import { EngineReport } from "../engine/progress";
import { recover } from "../engine/recover";
import { localStackPlace, openStack } from "../engine/workspace";
import { runCommand, say } from "./command";
import { connectionUrls, localStackDir } from "./localStack";
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
    interruption.throwIfAborted();
    say(
        "Deploying the audit trail: two PostgreSQL servers, the DMS task, and every AWS resource recorded.",
    );
    const { outputs, report } = await update(stack, { verbose, interruption });
    interruption.throwIfAborted();
    say(`Resources: ${changesOf(report)}. The policy pack in policy/ passed.`);

    const urls = await connectionUrls(outputs);
    const source = new Client({ connectionString: urls.sourceUrl });
    const audit = new Client({ connectionString: urls.auditUrl });
    await Promise.all([source.connect(), audit.connect()]);
    try {
        await walkThrough(source, audit);
    } finally {
        await Promise.all([source.end(), audit.end()]);
    }
    say(`
The stack is running. To connect (with the passwords of this machine's stack in them):

  psql "$(npm run -s outputs | node -p 'JSON.parse(fs.readFileSync(0)).sourceUrl')"
  psql "$(npm run -s outputs | node -p 'JSON.parse(fs.readFileSync(0)).auditUrl')"

npm stop destroys it and leaves nothing behind.`);
});
