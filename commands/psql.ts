import { spawn } from "node:child_process";
import { once } from "node:events";
import { PlainError } from "../text/errors";
import { runCommand, sayAside } from "./shared/command";
import { notDeployed, unfinishedUrls } from "./shared/localStack";
import { openDoor } from "./shared/psqlDoor";
import { psqlVariables } from "./shared/psqlSession";
import { optionsOf } from "./shared/usage";

/** psql's exit code for a connection that could not be made or went bad, https://www.postgresql.org/docs/current/app-psql.html */
const NO_CONNECTION = 2;

/** `npm run psql -- source`: a session of the master user; it ends with psql's own exit code. */
runCommand(
    optionsOf("psql"),
    async ({ words }) => {
        const [side, ...more] = words;
        if ((side !== "source" && side !== "audit") || more.length > 0) {
            throw new PlainError(
                "Name one of the two databases: npm run psql -- source, or npm run psql -- audit",
            );
        }
        const { sourceUrl, auditUrl, route } = await unfinishedUrls();
        const address = side === "source" ? sourceUrl : auditUrl;
        if (address === undefined) {
            throw notDeployed();
        }
        // Ctrl-C ends a query in psql, not this command.
        process.removeAllListeners("SIGINT").on("SIGINT", () => undefined);
        const variables = psqlVariables(address);
        const door = await openDoor(route, variables);
        const child = spawn("psql", [], {
            env: { ...process.env, ...variables, ...door.variables },
            stdio: "inherit",
        });
        try {
            const [code] = (await once(child, "exit")) as [number | null];
            process.exitCode = code ?? 1;
            if (code === NO_CONNECTION) {
                sayAside(
                    '"npm run status" shows what of the stack runs, and "npm start" brings it back.',
                );
            }
        } catch (cause) {
            throw new PlainError(
                'psql could not be started: install the PostgreSQL client, or take the address from "npm run -s outputs".',
                { cause },
            );
        } finally {
            await door.close();
        }
    },
    1,
    "end at once",
);
