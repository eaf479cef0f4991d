import { stat } from "node:fs/promises";
import { taskFolder, taskIds } from "../local/aws/tasks";
import { taskFiles } from "../local/dms/task/task";
import { readIfExists } from "../local/servers/files";
import { rdsFolder, rdsIdentifiers } from "../local/servers/rdsFiles";
import { PlainError } from "../text/errors";
import { DEFAULT_GROUP } from "../trail/tableGroups";
import { runCommand, say } from "./shared/command";
import { laptopGroup, localStackDir } from "./shared/localStack";
import { optionsOf } from "./shared/usage";

/** How many of a log's last lines are shown. */
const LINES = 30;

/** A log file, and the word by which a person asks for it. */
interface Log {
    readonly word: string;
    readonly file: string;
    /** Of a task: the group of tables that it carries. */
    readonly group?: string;
}

async function allLogs(stackDir: string): Promise<Log[]> {
    const servers = (await rdsIdentifiers(stackDir)).map((identifier) => ({
        word: identifier.endsWith("-source") ? "source" : "audit",
        file: rdsFolder(stackDir, identifier).logFile,
    }));
    const tasks = (await taskIds(stackDir)).map((id) => ({
        word: "task",
        file: taskFiles(taskFolder(stackDir, id)).log,
        group: laptopGroup(id),
    }));
    return [...servers, ...tasks];
}

/** `npm run logs`: the last lines of each log, under its path. */
runCommand(
    optionsOf("logs"),
    async ({ words, groups }) => {
        const logs = await allLogs(localStackDir());
        const named = logs.flatMap(({ group }) => (group === undefined ? [] : [group]));
        const stranger = groups.find((group) => !named.includes(group));
        if (stranger !== undefined && named.length > 0) {
            throw new PlainError(
                `The laptop stack has no group "${stranger}"; its groups are: ${named.join(", ")}.`,
            );
        }
        const wanted = logs.filter(
            ({ word, group }) =>
                (words.length === 0
                    ? groups.length === 0 || word === "task"
                    : words.includes(word)) &&
                (group === undefined || groups.length === 0 || groups.includes(group)),
        );
        if (wanted.length === 0) {
            throw new PlainError('There is no log yet; run "npm start" first.');
        }
        for (const { word, file, group = DEFAULT_GROUP } of wanted) {
            const text = (await readIfExists(file)) ?? "";
            const lines = text.trimEnd().split("\n");
            const changed = await stat(file).then(
                ({ mtime }) => mtime.toISOString(),
                () => "never",
            );
            say(
                `${word}${group === DEFAULT_GROUP ? "" : ` of the group ${group}`}: ${file} (last written ${changed})`,
            );
            lines.slice(-LINES).forEach((line) => {
                say(`  ${line}`);
            });
            say();
        }
    },
    1,
    "end at once",
);
