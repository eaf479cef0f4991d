import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { PROJECT_ROOT } from "../local/engine/paths";
import { obtainCli } from "../local/engine/pulumiCli";
import { environment, localStackPlace } from "../local/engine/workspace";
import { useOwnEnvironment } from "../local/environment";
import { messageOf } from "../text/errors";
import { type Deployment, stateSnapshot } from "./stateSnapshot";

/** Larger than any state. */
const MAX_STATE_BYTES = 100_000_000;

/** The scripts of the audit side, which make a database as this version makes it. */
const AUDIT_SCRIPTS = ["docs/sql/audit-cluster.sql", "docs/sql/audit-tables.sql"];

/**
 * `npm run snapshot`: keeps the state of the running laptop stack, and the SQL of its audit database, for the tests of later
 * versions, in test/upgrade/<version of package.json>/. See docs/releasing.md.
 */
async function main(): Promise<void> {
    useOwnEnvironment();
    const cli = await obtainCli(console.error);
    const place = localStackPlace();
    const { stdout } = await promisify(execFile)(
        cli.command,
        ["stack", "export", "--show-secrets", "--stack", place.stackName],
        {
            cwd: path.join(place.engineDir, "work"),
            env: { ...process.env, ...environment(cli, place) },
            maxBuffer: MAX_STATE_BYTES,
        },
    );
    const state = JSON.stringify(stateSnapshot(JSON.parse(stdout) as Deployment));
    const read = async (file: string): Promise<string> =>
        await readFile(path.join(PROJECT_ROOT, file), "utf8");
    const { version } = JSON.parse(await read("package.json")) as { readonly version: string };
    const folder = path.join(PROJECT_ROOT, "test", "upgrade", version);
    await mkdir(folder, { recursive: true });
    const scripts = await Promise.all(AUDIT_SCRIPTS.map(read));
    await writeFile(path.join(folder, "state.json.gz"), gzipSync(state, { level: 9 }));
    await writeFile(path.join(folder, "audit.sql.gz"), gzipSync(scripts.join("\n"), { level: 9 }));
    console.log(
        `${path.relative(PROJECT_ROOT, folder)} holds the state and the SQL of ${version}.`,
    );
}

main().catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
});
