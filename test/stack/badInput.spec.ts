import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { escapeLiteral } from "pg";
import { CLI_VERSION } from "../../local/engine/pulumiCli";
import { stopRdsServer } from "../../local/servers/rds";
import { readRecord } from "../../local/servers/rdsFiles";
import { launch } from "../../testing/command";
import { withTempDir } from "../../testing/tempDir";
import { ARTICLE, connected, LaptopStack } from "./support/laptopStack";
import { assertRefused, FAILED, refusal } from "./support/refusal";
import { passwordsOf } from "./support/secrets";

/** What the stack does not know, and no message has by accident. */
const OTHER_PASSWORD = "Quince-and-0815";

describe("stack: bad input", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    before(async () => {
        stack = await LaptopStack.make();
    });
    after(async () => {
        await stack.dispose();
    });

    describe("before there is a stack", () => {
        const nothingMade = async (): Promise<void> => {
            assert.deepEqual(await stack.clusters(), []);
        };
        afterEach(nothingMade);

        it("refuses an unknown option", async () => {
            assertRefused(
                await stack.attempt("start", "--quick"),
                /^Unknown option "--quick"; known are: --verbose, --no-walkthrough\.$/,
            );
            assert.ok(!existsSync(stack.localDir));
        });

        it("refuses to preview a stack that has no settings", async () => {
            assertRefused(
                await stack.attempt("preview", "--stack", "nowhere"),
                /^There is no Pulumi\.nowhere\.yaml in the project folder; name a stack that has one, for example: npm run preview -- --stack dev$/,
            );
            assert.ok(!existsSync(stack.localDir));
        });

        it("has no outputs", async () => {
            assertRefused(
                await stack.attempt("outputs"),
                /^The laptop stack is not deployed; run "npm start" first\.$/,
            );
        });

        it("refuses an unknown config key, without its value", async () => {
            await stack.configure({ ...ARTICLE, tabels: ["hidden-value"] });
            const result = await stack.attempt("start");
            assertRefused(
                result,
                FAILED,
                /^The config key audit-trail:tabels is unknown, the nearest known one is audit-trail:tables; /,
            );
            assert.ok(!result.output.includes("hidden-value"));
        });

        it("refuses a wrong value", async () => {
            await stack.configure({ ...ARTICLE, sshCidr: "0.0.0.0/0" });
            assertRefused(
                await stack.attempt("start"),
                FAILED,
                /^The config key audit-trail:sshCidr is "0\.0\.0\.0\/0", but .*; set it with "pulumi config set sshCidr .*"\.$/,
            );
        });

        it("refuses malformed JSON in a list", async () => {
            await stack.configure({ ...ARTICLE, tables: '["public.items"' });
            assertRefused(
                await stack.attempt("start"),
                FAILED,
                /^Stack 'local' with configuration key 'tables' must be of type 'array<string>'; correct it in the settings file Pulumi\.local\.yaml\.$/,
            );
        });

        it("refuses a settings file with nothing in it, and one that is no YAML", async () => {
            await stack.writeSettings(" \n");
            assertRefused(
                await stack.attempt("start"),
                /^The settings file .*Pulumi\.local\.yaml is empty; write the stack's config into it, local\/Pulumi\.local\.yaml is an example\.$/,
            );
            await stack.writeSettings("config:\n  audit-trail:tables: [public.items\n");
            assertRefused(
                await stack.attempt("start"),
                /^The settings file .*Pulumi\.local\.yaml is not valid YAML \(.+\); mend it and run the command again\.$/,
            );
        });
    });

    describe("on a running stack", () => {
        let passwords: string[] = [];
        const outputs: string[] = [];
        before(async () => {
            await stack.configure(ARTICLE);
            await stack.run("start");
            passwords = await passwordsOf(stack.stackDir);
        });
        afterEach(async () => {
            await stack.configure(ARTICLE);
        });

        /** A start that has to fail; what it told is searched for passwords in the end. */
        async function failingStart() {
            const result = await stack.attempt("start");
            outputs.push(result.output);
            return result;
        }

        async function atSource(sql: string): Promise<void> {
            const { sourceUrl } = await stack.outputs();
            await connected(sourceUrl, (source) => source.query(sql));
        }

        it("names every table that it cannot audit and says why", async () => {
            await atSource(`CREATE TABLE keyless (id integer);
                CREATE TABLE hosts (id integer PRIMARY KEY, address inet)`);
            const tables = ["items", "nowhere", "keyless", "hosts"].map((one) => `public.${one}`);
            await stack.configure({ ...ARTICLE, tables });
            assertRefused(
                await failingStart(),
                FAILED,
                /^The table public\.nowhere does not exist in the source database: create it, or correct its name /,
                /^The table public\.keyless has no primary key, .*: add one\.$/,
                /^The column "address" of public\.hosts has the type inet, which DMS does not replicate: change it /,
                /^To audit these tables all the same, choose for each column in the stack's config /,
                /^audit-trail:columns:$/,
                /^public\.hosts:$/,
                /^address: asText # or exclude$/,
                /^The source is there to create tables in: psql "host=localhost .*", with the password in the secret arn:/,
            );
        });

        it("names the SQL file that fails, and where", async () => {
            const { auditUrl } = await stack.outputs();
            await atSource("CREATE TABLE notes (id integer PRIMARY KEY)");
            await connected(auditUrl, (audit) =>
                audit.query("CREATE VIEW public.notes_staging AS SELECT 1 AS id"),
            );
            await stack.configure({ ...ARTICLE, tables: ["public.items", "public.notes"] });
            assertRefused(
                await failingStart(),
                FAILED,
                /^sql\/audit\/\w+\.sql failed for public\.notes in database "appdb" at localhost: .* \(SQLSTATE \w{5}\); nothing of this script was applied, mend the cause and run the update again\.$/,
            );
            await connected(auditUrl, (audit) => audit.query("DROP VIEW public.notes_staging"));
            await stack.run("start");
        });

        it("says which user's password is refused", async () => {
            const { sourceUrl } = await stack.outputs();
            const url = new URL(sourceUrl);
            const { password } = url;
            const setPassword = (text: string): string =>
                `ALTER ROLE postgres PASSWORD ${escapeLiteral(text)}`;
            await connected(url.href, (source) => source.query(setPassword(OTHER_PASSWORD)));
            url.password = OTHER_PASSWORD;
            try {
                const result = await failingStart();
                assertRefused(
                    result,
                    FAILED,
                    /^The database "appdb" at localhost:\d+ refused the password of user "postgres"; .*\.$/,
                );
            } finally {
                await connected(url.href, (source) => source.query(setPassword(password)));
            }
            await stack.run("start");
        });

        it("says which port is occupied, and starts when it is free", async () => {
            const cluster = "audit-trail-local-source";
            const { port } = await readRecord(stack.stackDir, cluster);
            await stopRdsServer(stack.stackDir, cluster);
            const squatter: Server = createServer().listen(port, "127.0.0.1");
            await once(squatter, "listening");
            try {
                assertRefused(
                    await failingStart(),
                    new RegExp(
                        `^Cluster "${cluster}" cannot start: another program listens on its port ${String(port)} of localhost; end that program, `,
                    ),
                );
            } finally {
                squatter.close();
            }
            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Started again: audit-trail-local-source$/m);
        });

        it("does not wait for ever for a plugin that dies when it starts", async () => {
            const result = await withBrokenNode(
                async (PATH) => await stack.beginWith({ PATH }, "start").ended,
            );
            outputs.push(result.output);
            assert.match(refusal(result).join("\n"), /the plugin gave up/);
            await stack.run("start");
        });

        it("told no password in all this", () => {
            assert.equal(outputs.length, 5);
            for (const output of outputs) {
                assert.ok(!passwords.some((password) => output.includes(password)));
                assert.ok(!output.includes(OTHER_PASSWORD));
            }
        });

        it("can be stopped after all this", async () => {
            await stack.stop();
        });
    });

    it("says what to install when no Pulumi CLI can be had", async () => {
        await withTempDir(async (home) => {
            await symlink(process.execPath, path.join(home, "node"));
            const cached = path.join(home, ".cache", "audit-trail", `pulumi-${CLI_VERSION}`, "bin");
            await mkdir(cached, { recursive: true });
            for (const folder of [home, cached]) {
                const broken = '#!/bin/sh\necho "broken on purpose" >&2\nexit 3\n';
                await writeFile(path.join(folder, "pulumi"), broken, { mode: 0o700 });
            }
            const environment = {
                ...stack.environment,
                PATH: home,
                HOME: home,
                XDG_CACHE_HOME: undefined,
                PULUMI_HOME: undefined,
            };
            const script = path.join("commands", "start.ts");
            const result = await launch(process.execPath, ["--import", "tsx", script], environment)
                .ended;
            assertRefused(
                result,
                /^The Pulumi CLI on PATH does not work \(.* 3: .*: broken on purpose\): using /,
                /^The Pulumi CLI in .* does not work \(.* 3: .*: broken on purpose\): another one takes its place, once that works\.$/,
                /^Downloading the Pulumi CLI /,
                /^The download failed \(.+\)\.$/,
                /^Building the Pulumi CLI /,
                /^No Pulumi CLI could be had: none on PATH that works, the download failed \(.+\), and so did the build from Go modules \(Go is not installed or cannot be started \(.+\)\); install Pulumi .*\.$/,
            );
            assert.deepEqual(await readdir(path.join(cached, "..", "..")), [
                `pulumi-${CLI_VERSION}`,
            ]);
            assert.deepEqual(await readdir(cached), ["pulumi"]);
        });
    });

    /** A search path on which `node` runs everything but the aws stand-in, which dies with a last word. */
    async function withBrokenNode<T>(work: (searchPath: string) => Promise<T>): Promise<T> {
        return await withTempDir(async (folder) => {
            const node = path.join(folder, "node");
            const lines = [
                "#!/bin/sh",
                'case "$*" in */local/aws/main.ts*) echo "the plugin gave up" >&2; exit 1 ;; esac',
                `exec "${process.execPath}" "$@"`,
            ];
            await writeFile(node, `${lines.join("\n")}\n`);
            await chmod(node, 0o700);
            try {
                return await work([folder, process.env.PATH ?? ""].join(path.delimiter));
            } finally {
                await rm(node);
            }
        });
    }
});
