import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { configKeys } from "../config/keys";
import { PROJECT_ROOT } from "../local/engine/paths";
import { obtainCli } from "../local/engine/pulumiCli";
import { environment, localStackPlace } from "../local/engine/workspace";
import { useOwnEnvironment } from "../local/environment";
import { messageOf } from "../text/errors";
import { type Deployment, stateSnapshot } from "./stateSnapshot";

/** Larger than any state. */
const MAX_STATE_BYTES = 100_000_000;

/** What the engine prints of a stack's config: a list or an object as text too. */
type Config = Readonly<Record<string, { readonly value: string; readonly objectValue?: unknown }>>;

/** What the engine fills in, which the settings of a stack do not have. */
const defaults: ReadonlyMap<string, string | undefined> = new Map(
    configKeys.map((one) => [one.key, one.default]),
);

/** The scripts of the audit side, which make a database as this version makes it. */
const AUDIT_SCRIPTS = ["docs/sql/audit-cluster.sql", "docs/sql/audit-tables.sql"];

/**
 * `npm run snapshot [-- LABEL]`: keeps the state of the running laptop stack, its settings, and the SQL of the audit database of
 * the demo table, for the tests of later versions, in test/upgrade/<version of package.json>[-LABEL]/. See docs/releasing.md.
 */
async function main([label]: readonly string[]): Promise<void> {
    useOwnEnvironment();
    const cli = await obtainCli(console.error);
    const place = localStackPlace();
    const run = async (...args: readonly string[]): Promise<unknown> => {
        const { stdout } = await promisify(execFile)(
            cli.command,
            [...args, "--stack", place.stackName],
            {
                cwd: path.join(place.engineDir, "work"),
                env: { ...process.env, ...environment(cli, place) },
                maxBuffer: MAX_STATE_BYTES,
            },
        );
        return JSON.parse(stdout);
    };
    const state = JSON.stringify(
        stateSnapshot((await run("stack", "export", "--show-secrets")) as Deployment),
    );
    const config = Object.entries((await run("config", "--json")) as Config);
    const settings = Object.fromEntries(
        config
            .map(([key, one]) => [key.replace(/^audit-trail:/, ""), one] as const)
            .filter(([key, { value }]) => value !== defaults.get(key))
            .map(([key, { value, objectValue }]) => [key, objectValue ?? value]),
    );
    const read = async (file: string): Promise<string> =>
        await readFile(path.join(PROJECT_ROOT, file), "utf8");
    const { version } = JSON.parse(await read("package.json")) as { readonly version: string };
    const name = label === undefined ? version : `${version}-${label}`;
    const folder = path.join(PROJECT_ROOT, "test", "upgrade", name);
    await mkdir(folder, { recursive: true });
    const scripts = await Promise.all(AUDIT_SCRIPTS.map(read));
    await writeFile(path.join(folder, "state.json.gz"), gzipSync(state, { level: 9 }));
    await writeFile(
        path.join(folder, "settings.json"),
        `${JSON.stringify(settings, undefined, 4)}\n`,
    );
    await writeFile(path.join(folder, "audit.sql.gz"), gzipSync(scripts.join("\n"), { level: 9 }));
    console.log(`${path.relative(PROJECT_ROOT, folder)} holds the state and the SQL of ${name}.`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
});
