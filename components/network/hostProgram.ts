import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";

const ROOT = path.join(__dirname, "..", "..");
const ENTRY = "commands/host/auditVerify.ts";

/** What the program on the host knows of the trail that it verifies. */
export interface HostProgramArgs {
    /** The audited tables, each as `schema.table`. */
    readonly tables: readonly string[];
    /** Whether the deployment puts guards at the source. */
    readonly guardsExpected: boolean;
}

/** A program as one file, which needs Node.js and nothing else. */
export interface HostProgram {
    readonly text: string;
    /** Of the text as UTF-8, in hexadecimal digits. */
    readonly sha256: string;
    /** The files of the project and of packages that it is made of, from the project's root. */
    readonly madeOf: readonly string[];
}

/** Every script of a folder by its path from the project's root. The line ends are those of the repository, whatever a checkout did. */
function scripts(folder: string): Record<string, string> {
    const files = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .map((file) => path.posix.join(folder, file.replaceAll(path.sep, "/")))
        .filter((file) => file.endsWith(".sql"))
        .sort();
    return Object.fromEntries(
        files.map((file) => [
            file,
            readFileSync(path.join(ROOT, file), "utf8").replaceAll("\r\n", "\n"),
        ]),
    );
}

/**
 * Verify as one file for the psql host, which has no project folder: the code with the packages that it needs, and the SQL. It is
 * the same text on every machine that has the same checkout and packages, so that no update sends it anew for nothing.
 */
export function hostProgram(args: HostProgramArgs): HostProgram {
    const { outputFiles, metafile } = buildSync({
        absWorkingDir: ROOT,
        entryPoints: [ENTRY],
        bundle: true,
        write: false,
        metafile: true,
        platform: "node",
        // The oldest that package.json allows; the host has a newer one.
        target: "node20",
        format: "cjs",
        charset: "utf8",
        minify: true,
        // Errors are told apart by their names.
        keepNames: true,
        legalComments: "none",
        define: {
            AUDIT_TRAIL_SCRIPTS: JSON.stringify(scripts("sql")),
            AUDIT_TRAIL_STACK: JSON.stringify(args),
        },
        // node-postgres' native client, which it loads when it is asked for and nobody asks.
        external: ["pg-native"],
        logLevel: "silent",
    });
    const [file] = outputFiles;
    if (file === undefined) {
        throw new Error(`esbuild made nothing of ${ENTRY}; run npm ci and try again.`);
    }
    return {
        text: file.text,
        sha256: createHash("sha256").update(file.contents).digest("hex"),
        madeOf: Object.keys(metafile.inputs).sort(),
    };
}
