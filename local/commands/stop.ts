import * as fs from "node:fs";
import { sweepStack } from "../aws/revive";
import { obtainCli } from "../engine/cli";
import { destroy } from "../engine/operation";
import { localDir } from "../engine/paths";
import { recover } from "../engine/recover";
import { localStackPlace, openStack } from "../engine/workspace";
import { runCommand, say } from "./command";
import { localStackDir } from "./localStack";

/** `npm stop`: destroys the laptop stack; no process, port, data directory or state stays behind. */
runCommand([], async ({ verbose }) => {
    const place = localStackPlace();
    if (fs.existsSync(place.engineDir)) {
        const stack = await openStack(await obtainCli(say), place, say);
        await recover(stack, place.engineDir, say);
        await destroy(stack, verbose);
    }
    // Whatever an interrupted start left: processes by their recorded identity, then the folder.
    await sweepStack(localStackDir());
    await fs.promises.rm(localDir(), { recursive: true, force: true });
    say("The laptop stack is gone: no process, port, data or state is left.");
});
