import { existsSync } from "node:fs";
import path from "node:path";
import { isProtected } from "../local/aws/protection";
import { sweepStack } from "../local/aws/revive";
import { BusyError, ProtectedError } from "../local/engine/failure";
import { destroy, type OperationSettings } from "../local/engine/operation";
import { obtainCli } from "../local/engine/pulumiCli";
import { endEngines, endOrphans, recover } from "../local/engine/recover";
import { readDeployment } from "../local/engine/stackState";
import { localStackPlace, openStack, type StackPlace } from "../local/engine/workspace";
import { PlainError } from "../text/errors";
import { wrapped } from "../text/terminalLines";
import { type CommandOptions, runCommand, say, sayAside } from "./shared/command";
import { failureText } from "./shared/failureText";
import { removeLocalFolder } from "./shared/localFolder";
import { localStackDir } from "./shared/localStack";
import { optionsOf } from "./shared/usage";
import { whatGoesOn } from "./shared/whatGoesOn";

const BEGINNING =
    "Destroying the laptop stack: its databases go, with all data in them. This takes up to a minute.";

const FORCE = "npm stop -- --force";

const STAYS_AT_SOURCE =
    "The source is a server that this stack did not make, and nothing is taken from it without the engine: the trail's schemas, guards, role and replication slot stay there. docs/sql/existing-source.sql has the statements that remove them; a slot that nobody reads fills the source's disk with WAL.";

function protectedStack({ settingsDir, stackName }: StackPlace, cause?: unknown): PlainError {
    const settings = path.join(settingsDir, `Pulumi.${stackName}.yaml`);
    return new PlainError(
        `The laptop stack is protected from deletion, so nothing of it was touched: set audit-trail:deletionProtection to false in ${settings}, and no whenDestroyed to retain, run "npm start" and then "npm stop" again, or throw it away with its data by "${FORCE}".`,
        { cause },
    );
}

/** Whether the stack's source goes on without it. */
function leavesSource(deployment: Awaited<ReturnType<typeof readDeployment>>): boolean {
    return JSON.stringify(deployment?.resources ?? []).includes("/auditTrail:SourceUndo");
}

/** Lets the engine destroy the stack. What it cannot destroy is left to the sweep, and said. */
async function destroyWithEngine(place: StackPlace, settings: OperationSettings): Promise<void> {
    await endOrphans(place.engineDir, say);
    let hasOwnSource = true;
    try {
        const stack = await openStack(await obtainCli(say), place, say, "destruction");
        await recover(stack, place.engineDir, say);
        const deployment = await readDeployment(place.engineDir, place.stackName);
        hasOwnSource = !leavesSource(deployment);
        await destroy(stack, { ...settings, resources: deployment?.resources?.length });
    } catch (error) {
        if (error instanceof ProtectedError) {
            throw protectedStack(place, error);
        }
        if (error instanceof BusyError || settings.interruption.aborted) {
            throw error;
        }
        if (!hasOwnSource) {
            throw new PlainError(
                `${failureText(error)}\nThe stack stays, because only it knows what to take from its source. Mend that and run "npm stop" again, or throw the stack away by "${FORCE}" and leave its objects in the source.`,
                { cause: error },
            );
        }
        process.stderr.write(
            `${failureText(error)}\nThe engine could not destroy the stack; what it had started is ended by its recorded processes instead.\n`,
        );
    }
}

/**
 * `npm stop`: destroys the laptop stack; no process, port, data directory or state stays behind, whatever the engine says.
 * Only a protected stack stays as it is, unless `--force` is given, which does without the engine.
 */
async function stop({ verbose, force }: CommandOptions, interruption: AbortSignal): Promise<void> {
    const place = localStackPlace();
    if (force) {
        await endEngines(place.engineDir);
        if (leavesSource(await readDeployment(place.engineDir, place.stackName))) {
            sayAside(STAYS_AT_SOURCE);
        }
    } else if (await isProtected(localStackDir())) {
        throw protectedStack(place);
    } else if (existsSync(place.engineDir)) {
        wrapped(BEGINNING, "", "").forEach(say);
        await destroyWithEngine(place, { verbose, interruption });
    }
    // An engine that was interrupted does not always call that a failure.
    interruption.throwIfAborted();
    // Whatever an interrupted start or the engine left: processes by their recorded identity, then the folder.
    await sweepStack(localStackDir());
    const others = await removeLocalFolder();
    say("The laptop stack is gone: no process, port, data or state is left.");
    if (others.length > 0) {
        say(`Not the stack's, and left alone: ${others.join(", ")}`);
    }
}

runCommand(optionsOf("stop"), stop, 1, "finish the step", whatGoesOn);
