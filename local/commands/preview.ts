import * as fs from "node:fs";
import * as path from "node:path";
import { obtainCli } from "../engine/cli";
import { expectedResources } from "../engine/expectedResources";
import { preview } from "../engine/operation";
import { localDir, PROJECT_ROOT } from "../engine/paths";
import { terminalOf } from "../engine/terminal";
import { localStackPlace, openStack, StackPlace } from "../engine/workspace";
import { plainPlan } from "../engine/progress";
import { CommandError, runCommand, say } from "./command";
import { optionsOf } from "./usage";

/** A stack of the project's own settings files, previewed as if for the first time, with state of its own. */
function previewPlace(stackName: string): StackPlace {
    const settings = path.join(PROJECT_ROOT, `Pulumi.${stackName}.yaml`);
    if (!fs.existsSync(settings)) {
        throw new CommandError(
            `There is no ${path.basename(settings)} in the project folder; name a stack that has one, for example: npm run preview -- --stack dev`,
        );
    }
    const engineDir = path.join(localDir(), `preview-${stackName}-${String(process.pid)}`);
    const main = path.join(PROJECT_ROOT, "index.ts");
    return { stackName, settingsDir: PROJECT_ROOT, engineDir, main };
}

/** `npm run preview`: the laptop stack's plan; with `--stack dev` the plan for AWS, through the stand-ins, without an account. */
runCommand(optionsOf("preview"), async ({ stack: stackName = "local", verbose }, interruption) => {
    const place = stackName === "local" ? localStackPlace() : previewPlace(stackName);
    const cli = await obtainCli(say);
    try {
        const stack = await openStack(cli, place, say);
        const color = terminalOf(process.stdout, process.env).hasColours ? "always" : "never";
        const resources = await expectedResources(place);
        const settings = { verbose, interruption, resources };
        const { plan, report } = await preview(stack, settings, color);
        say(plainPlan(plan));
        report.warnings.forEach((warning) => {
            say(`Warning: ${warning}`);
        });
        say("The policy pack in policy/ passed.");
    } finally {
        if (stackName !== "local") {
            await fs.promises.rm(place.engineDir, { recursive: true, force: true });
        }
    }
});
