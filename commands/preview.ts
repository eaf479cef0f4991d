import { existsSync, promises } from "node:fs";
import path from "node:path";
import { expectedResources } from "../local/engine/expectedResources";
import { OperationError } from "../local/engine/failure";
import { ownErrors, preview } from "../local/engine/operation";
import { localDir, PROJECT_ROOT } from "../local/engine/paths";
import { type EngineReport, plainPlan } from "../local/engine/progress";
import { obtainCli } from "../local/engine/pulumiCli";
import { localStackPlace, openStack, type StackPlace } from "../local/engine/workspace";
import { PlainError } from "../text/errors";
import { terminalOf } from "../text/terminal";
import { runCommand, say, sayAside, sayWarnings } from "./shared/command";
import { optionsOf } from "./shared/usage";

/** A stack of the project's own settings files, previewed as if for the first time, with state of its own. */
function previewPlace(stackName: string): StackPlace {
    const settings = path.join(PROJECT_ROOT, `Pulumi.${stackName}.yaml`);
    if (!existsSync(settings)) {
        throw new PlainError(
            `There is no ${path.basename(settings)} in the project folder; name a stack that has one, for example: npm run preview -- --stack dev`,
        );
    }
    const engineDir = path.join(localDir(), `preview-${stackName}-${String(process.pid)}`);
    const main = path.join(PROJECT_ROOT, "main.ts");
    return { stackName, settingsDir: PROJECT_ROOT, engineDir, main };
}

/** A preview for a program: the changes, and what would keep them from being made. */
function asJson(
    stack: string,
    { planned, changes, violations, warnings }: EngineReport,
    errors: readonly string[],
): string {
    const { same: unchanged = 0 } = changes;
    return JSON.stringify(
        { stack, changes: planned, unchanged, violations, warnings, errors },
        null,
        2,
    );
}

/**
 * `npm run preview`: the laptop stack's plan; with `--stack dev` the plan for AWS, through the stand-ins, without an account.
 * With `--json` standard output holds one object and nothing else, also when the plan is refused or fails.
 */
runCommand(
    optionsOf("preview"),
    async ({ stack: stackName = "local", verbose, json }, interruption) => {
        const place = stackName === "local" ? localStackPlace() : previewPlace(stackName);
        const tell = json ? sayAside : say;
        const cli = await obtainCli(tell);
        try {
            const stack = await openStack(cli, place, tell);
            const color = terminalOf(process.stdout, process.env).hasColours ? "always" : "never";
            const resources = await expectedResources(place);
            const settings = { verbose, interruption, resources };
            const { plan, report } = await preview(stack, settings, color);
            if (json) {
                say(asJson(stackName, report, []));
                return;
            }
            const shown = plainPlan(plan);
            say(shown);
            sayWarnings(report.warnings, shown);
            say("The policy pack in policy/ passed.");
        } catch (error) {
            if (json && error instanceof OperationError && error.report !== undefined) {
                const { report } = error;
                // The violations say why it was refused; the engine's own sentence about them adds nothing.
                const isRefused = report.violations.length > 0;
                say(asJson(stackName, report, isRefused ? [] : ownErrors(report)));
            }
            throw error;
        } finally {
            if (stackName !== "local") {
                await promises.rm(place.engineDir, { recursive: true, force: true });
            }
        }
    },
);
