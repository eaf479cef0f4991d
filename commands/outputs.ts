import { obtainCli } from "../local/engine/pulumiCli";
import { deployedOutputs, localStackPlace } from "../local/engine/workspace";
import { runCommand, say, sayAside } from "./shared/command";
import { connectionUrls, notDeployed, unfinishedUrls } from "./shared/localStack";
import { optionsOf } from "./shared/usage";

/**
 * `npm run -s outputs`: the running stack's outputs as one JSON object, with URLs to connect with; those alone while its
 * first deployment has not come to its end.
 */
runCommand(
    optionsOf("outputs"),
    async () => {
        const cli = await obtainCli(sayAside);
        const outputs = await deployedOutputs(cli, localStackPlace());
        if (Object.keys(outputs).length === 0) {
            const urls = await unfinishedUrls();
            if (Object.keys(urls).length > 0) {
                say(JSON.stringify(urls, null, 2));
                return;
            }
            throw notDeployed();
        }
        const values = Object.entries(outputs)
            .filter(([, { secret }]) => !secret)
            .map(([name, { value }]): [string, unknown] => [name, value]);
        say(
            JSON.stringify(
                { ...Object.fromEntries(values), ...(await connectionUrls(outputs)) },
                null,
                2,
            ),
        );
    },
    1,
    "end at once",
);
