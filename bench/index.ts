import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { format, resolveConfig } from "prettier";
import { say } from "../commands/shared/command";
import { failureText } from "../commands/shared/failureText";
import { PROJECT_ROOT } from "../local/engine/paths";
import { audit } from "./audit";
import { guards } from "./guards";
import { lag } from "./lag";
import { leaves } from "./leaves";
import { machineLine } from "./machine";
import { conclude, Interruption, note, parsePartOptions, runPart } from "./part";
import { source } from "./source";
import { tables } from "./tables";
import { verify } from "./verify";

const PARTS = { source, guards, audit, lag, verify, leaves, tables };
const DOCUMENT = path.join(PROJECT_ROOT, "docs", "benchmarks.md");
/** What follows in the document is replaced by `--docs`. */
const MARK = "<!-- Results: written by npm run bench -- --docs -->";

/** All benchmarks, one after the other; a failed one does not keep the others from running. */
conclude(async () => {
    const options = parsePartOptions(process.argv.slice(2));
    const sections = [await machineLine()];
    say(sections[0]);
    for (const [name, part] of Object.entries(PARTS)) {
        if (options.quick && part === tables) {
            note(
                "Tables: left out of --quick, as the whole stack takes minutes; bench/tables.ts does it alone.",
            );
            continue;
        }
        const section = await runPart(part, options).catch((error: unknown) => {
            if (error instanceof Interruption) {
                throw error;
            }
            process.exitCode = 1;
            return `## ${name}\n\nFailed: ${failureText(error)}`;
        });
        sections.push(section);
        say(`\n${section}`);
    }
    if (options.docs) {
        await writeResults(sections.join("\n\n"));
        note(`Written to ${path.relative(process.cwd(), DOCUMENT)}.`);
    }
});

async function writeResults(results: string): Promise<void> {
    const [method = "", rest] = (await readFile(DOCUMENT, "utf8")).split(MARK);
    if (rest === undefined) {
        throw new Error(`${DOCUMENT} has no line "${MARK}" after which the results could stand.`);
    }
    const options = { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT };
    await writeFile(DOCUMENT, await format(`${method}${MARK}\n\n${results}\n`, options));
}
