import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseOptions } from "../../commands/shared/options";
import { psqlVariables } from "../../commands/shared/psqlSession";
import { optionsOf, USAGE, usageText } from "../../commands/shared/usage";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { launch } from "../../testing/command";
import { PlainError } from "../../text/errors";

describe("how the commands are called", function () {
    it("is told for each of them by --help, which runs nothing", async () => {
        const manifest = await readFile(path.join(PROJECT_ROOT, "package.json"), "utf8");
        const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> };
        const commands = Object.entries(scripts).filter(([, line]) => line.includes("run.cjs"));
        assert.deepEqual(commands.map(([name]) => name).sort(), Object.keys(USAGE).sort());
        const values = new Map([
            ["--stack", ["a"]],
            ["--table", ["a.b"]],
            ["--group", ["billing"]],
            ["--since", ["2026-01-01T00:00Z"]],
        ]);
        for (const [name] of commands) {
            const file = path.join(PROJECT_ROOT, "commands", `${name}.ts`);
            assert.ok((await readFile(file, "utf8")).includes(`optionsOf("${name}")`), name);
            for (const option of optionsOf(name)) {
                const more = values.get(option) ?? [];
                parseOptions([option, ...more], optionsOf(name));
            }
        }
        const program = path.join(PROJECT_ROOT, "commands", "run.cjs");
        const { code, stdout } = await launch(process.execPath, [program, "stop", "--help"], {})
            .ended;
        assert.equal(code, 0);
        assert.equal(stdout, `${usageText("stop")}\n`);
    });

    it("fits a terminal", () => {
        for (const name of Object.keys(USAGE)) {
            for (const line of usageText(name).split("\n")) {
                assert.ok(line.length <= 80, line);
            }
        }
    });

    it("names the option that was meant", () => {
        const told = (written: string): string => {
            try {
                parseOptions([written], optionsOf("verify"));
            } catch (error) {
                assert.ok(error instanceof PlainError);
                return error.message;
            }
            return "";
        };
        const known = "known are: --verbose, --stack, --table, --since, --json.";
        assert.equal(told("--tabel"), `Unknown option "--tabel"; the nearest is --table, ${known}`);
        assert.equal(
            told("--STACKS"),
            `Unknown option "--STACKS"; the nearest is --stack, ${known}`,
        );
        assert.equal(told("public.items"), `Unknown option "public.items"; ${known}`);
        assert.deepEqual(parseOptions(["audit"], optionsOf("psql")).words, ["audit"]);
        assert.equal(parseOptions(["--no-walkthrough"], optionsOf("start")).walkthrough, false);
    });

    it("gives psql its address by variables, as it is meant", () => {
        assert.deepEqual(
            psqlVariables(
                "postgresql://po%40st:p%2Fw%3A@localhost:5433/app%20db?sslmode=verify-full&sslrootcert=%2Fa+b%2Fca.pem",
            ),
            {
                PGHOST: "localhost",
                PGPORT: "5433",
                PGUSER: "po@st",
                PGPASSWORD: "p/w:",
                PGDATABASE: "app db",
                PGSSLMODE: "verify-full",
                PGSSLROOTCERT: "/a b/ca.pem",
                PGAPPNAME: "audit-trail psql",
            },
        );
    });
});
