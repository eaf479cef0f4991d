import { obtainCli } from "../local/engine/pulumiCli";
import { runCommand, say } from "./shared/command";
import { optionsOf } from "./shared/usage";

/** `npm run cli`: makes sure that there is a Pulumi CLI, so that tests that need one do not each wait for it. */
runCommand(
    optionsOf("cli"),
    async () => {
        const { version } = await obtainCli(say);
        say(`Pulumi CLI ${version?.version ?? "of unknown version"} is ready.`);
    },
    1,
    "end at once",
);
