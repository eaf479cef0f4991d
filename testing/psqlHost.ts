import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { hostUserData } from "../components/network/hostSetup";
import { type CommandResult, launch, type RunningCommand } from "./command";
import { makeTempDir } from "./tempDir";

/** Plays the AWS CLI: each answer is a file, and what is not there is refused as AWS refuses it. */
const AWS = `#!/bin/bash
printf 'aws %s\\n' "$*" >>"$CALLS"
answer=$2
[[ "$* " =~ \\ --secret-id\\ ([^ ]*) ]] && answer=\${BASH_REMATCH[1]##*:}
for last; do :; done
[ -r "$ANSWERS/$answer" ] && [ "$2" = get-object ] && exec cp "$ANSWERS/$answer" "$last"
[ -r "$ANSWERS/$answer" ] && exec cat "$ANSWERS/$answer"
printf '\\nAn error occurred (AccessDeniedException) when calling %s: not authorized\\n' "$2" >&2
exit 254
`;

/** A program that notes its arguments and what is in the folder of temporary files, and then does its work. */
const noting = (program: string): string => `#!/bin/bash
printf '%s %s\\n' "\${0##*/}" "$*" >>"$CALLS"
[ -z "$(ls -A "$TMPDIR")" ] || printf 'left: %s\\n' "$(cat "$TMPDIR"/* | head -c 9000000)" >>"$CALLS"
exec ${program} "$@"
`;

/** What AWS answers the commands of a host, and the variables that they have beside. */
export interface HostAnswers {
    readonly parameter?: unknown;
    /** By the last part of their ARNs. */
    readonly secrets?: Readonly<Record<string, unknown>>;
    /** The object in the bucket. */
    readonly program?: string;
    readonly env?: Readonly<Record<string, string>>;
}

/** How a command of the host ended. */
export interface HostResult extends CommandResult {
    /** Every call of AWS's CLI and of Node.js, with the arguments. */
    readonly calls: string;
}

/** The commands of a psql host, as its first boot writes them, in a folder of the test's. */
export class PsqlHostFolder {
    private constructor(readonly folder: string) {}

    /** @param bundles the authorities, by the paths of their files on the host */
    static async make(bundles: Readonly<Record<string, string>>): Promise<PsqlHostFolder> {
        const folder = await makeTempDir();
        chmodSync(folder, 0o755);
        const setUp = hostUserData({
            engineVersions: ["17.7"],
            bundles: Object.entries(bundles).map(([file, pem]) => ({ file, pem })),
            region: "eu-west-1",
            parameterName: "/dev-host/databases",
        });
        for (const made of ["bin", "answers", "tmp"]) {
            mkdirSync(path.join(folder, made), { recursive: true });
        }
        const files = /^cat >\/usr\/local\/(\S+) <<'END OF FILE'\n([^]*?\n)END OF FILE$/gm;
        for (const [, file = "", text = ""] of setUp.matchAll(files)) {
            const place = path.join(folder, file);
            mkdirSync(path.dirname(place), { recursive: true });
            const installed = text.replaceAll("/usr/local/share", path.join(folder, "share"));
            writeFileSync(place, installed, { mode: 0o755 });
        }
        symlinkSync("psql-source", path.join(folder, "bin/psql-audit"));
        const programs = { aws: AWS, "node-24": noting(`'${process.execPath}'`) };
        for (const [name, text] of Object.entries(programs)) {
            writeFileSync(path.join(folder, "bin", name), text, { mode: 0o755 });
        }
        return new PsqlHostFolder(folder);
    }

    async remove(): Promise<void> {
        await rm(this.folder, { recursive: true, force: true });
    }

    /** Runs a command to its end, with the arguments that AWS's CLI and Node.js were called with. */
    async run(name: string, args: readonly string[], given: HostAnswers): Promise<HostResult> {
        const { ended } = await this.begin(name, args, given);
        return { ...(await ended), calls: readFileSync(path.join(this.folder, "calls"), "utf8") };
    }

    async begin(
        name: string,
        args: readonly string[],
        { parameter, secrets = {}, program, env }: HostAnswers,
    ): Promise<RunningCommand> {
        const [answers, calls] = [
            path.join(this.folder, "answers"),
            path.join(this.folder, "calls"),
        ];
        await rm(answers, { recursive: true });
        mkdirSync(answers);
        writeFileSync(calls, "");
        const texts = { ...secrets, "get-parameter": parameter, "get-object": program };
        for (const [file, value] of Object.entries(texts)) {
            if (value !== undefined) {
                const text = typeof value === "string" ? value : JSON.stringify(value);
                const end = file === "get-object" ? "" : "\n";
                writeFileSync(path.join(answers, file), text + end);
            }
        }
        return launch(path.join(this.folder, "bin", name), args, {
            // The system's own Python first, as on the host.
            PATH: `${path.join(this.folder, "bin")}:/usr/bin:/bin:${process.env["PATH"] ?? ""}`,
            TMPDIR: path.join(this.folder, "tmp"),
            ANSWERS: answers,
            CALLS: calls,
            ...env,
        });
    }
}
