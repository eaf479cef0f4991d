import assert from "node:assert/strict";
import path from "node:path";
import type { Client } from "pg";
import { renderSql } from "../../database/sqlTemplate";
import { signalGroup } from "../../testing/command";
import { until } from "../../testing/until";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";
import { MARKER_TABLE } from "../../trail/guards";
import { formatTableName } from "../../trail/names";
import type { TableName } from "../../trail/tableDefinition";
import { lookFile } from "../../trail/tableLife";
import { CHANGING, DROPPED, GO, MAKE_GOING, MOVED, MOVING } from "./support/changing";
import { pulumi } from "./support/engine";
import { ARTICLE, connected, isLiving, LaptopStack, type Settings } from "./support/laptopStack";
import { arrival, ITEMS, type LogEntry, logOf } from "./support/log";
import { listProcesses, watchCommandLines } from "./support/processList";
import { assertRefused, FAILED } from "./support/refusal";
import { filesWith, passwordsOf } from "./support/secrets";

const ORDER_LINES = { schema: "Sales", table: "OrderLines" };
const OTHERS = [ITEMS, ...CHANGING.map(({ name }) => name)];

/** Explains what this spec has made. */
const ACKNOWLEDGE = `SELECT audit_trail.acknowledge(g.gap_id, 'test') FROM audit_trail.gap AS g
    WHERE g.kind IN ('not audited', 'reload')
        AND NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS k WHERE k.gap_id = g.gap_id)`;

/** The article's set-up with these tables, after the passwords were changed once. */
function listing(tables: readonly TableName[]): Settings {
    return { ...ARTICLE, passwordVersion: 2, tables: tables.map(formatTableName) };
}

/** One login that is there, and one that the program makes. */
const PEOPLE = {
    "Some reader": { role: "auditor", authentication: "existing" },
    "jane.doe": { role: "operator", authentication: "iam" },
};

/** Adds and removes a row, each in a transaction of its own, until the work has ended; resolves with how often. */
async function writingDuring(url: string, work: () => Promise<unknown>): Promise<number> {
    let isOver = false;
    const working = work().finally(() => {
        isOver = true;
    });
    const times = await connected(url, async (source) => {
        let written = 0;
        while (!isOver) {
            await source.query("INSERT INTO public.items VALUES (900, 'Writer', $1)", [written]);
            await source.query("DELETE FROM public.items WHERE item_id = 900");
            written += 1;
        }
        return written;
    });
    await working;
    return times;
}

describe("stack: the life of a laptop stack", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    let other: LaptopStack;
    before(async () => {
        stack = await LaptopStack.make();
        other = await LaptopStack.make();
    });
    after(async () => {
        await stack.dispose();
        await other.dispose();
    });

    /** Both databases of the stack as their master users. */
    async function databases(
        work: (source: Client, audit: Client) => Promise<void>,
        which = stack,
    ): Promise<void> {
        const { sourceUrl, auditUrl } = await which.outputs();
        await connected(sourceUrl, (source) => connected(auditUrl, (audit) => work(source, audit)));
    }

    /** Starts the stack so often, each time without a change. */
    async function startsUnchanged(times: number): Promise<void> {
        for (let time = 0; time < times; time += 1) {
            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Resources: \d+ unchanged\. /m);
        }
    }

    /** That another two updates, a refresh and one more leave everything as it is, triggers, functions, owners and settings. */
    async function staysSo(tables: readonly TableName[]): Promise<void> {
        await startsUnchanged(2);
        await pulumi(stack, "refresh");
        await startsUnchanged(1);
        await databases(async (source, audit) => {
            const { rows } = await source.query<CatalogRow>(
                renderSql("sql/source/catalog.sql").sql,
                catalogParameters([...tables, MARKER_TABLE]),
            );
            assert.deepEqual((await audit.query(lookFile(tableDefinitions(rows)).sql)).rows, []);
        });
        await stack.run("verify");
    }

    async function itemsLog(): Promise<LogEntry[]> {
        let log: LogEntry[] = [];
        await databases(async (_, audit) => {
            log = await logOf(audit, ITEMS);
        });
        return log;
    }

    it("has an address to create the tables at before there are any", async () => {
        await stack.configure({ ...ARTICLE, demoTable: false });
        assertRefused(
            await stack.attempt("start"),
            /^The servers run: "npm run -s outputs" has their addresses\. /,
            FAILED,
            /^The table public\.items does not exist in the source database: create it, /,
            /^The source is there to create tables in: psql "host=localhost .*", with the password in the secret arn:/,
        );
        await databases(async (source, audit) => {
            await source.query("SELECT");
            await audit.query("SELECT");
        });
        const status = await stack.attempt("status");
        assert.equal(status.code, 1);
        assert.match(status.stdout, /^Replication task\n {2}none$/m);
        assert.match(status.stdout, /^Run "npm start" to complete the stack, or "npm stop" to /m);
        await stack.configure(ARTICLE);
    });

    it("starts and prints the article's walk-through, no password in sight", async () => {
        const watch = watchCommandLines();
        const { stdout, output } = await stack.run("start");
        const commandLines = watch.stop();
        assert.equal(stdout.match(/the same to the microsecond/g)?.length, 3);
        assert.match(stdout, /npm stop destroys it/);

        await databases(async (source, audit) => {
            const log = await logOf(audit, ITEMS);
            assert.deepEqual(
                log.map(({ operation, row_key }) => [operation, row_key.item_id]),
                [...[1, 2, 3, 4, 5].map((item) => ["I", item]), ["D", 3], ["U", 2]],
            );
            const [deleted, updated] = log.slice(5);
            assert.deepEqual(deleted?.old_row_data, { item_id: 3, name: "Webcam", price: 79 });
            assert.equal(deleted.new_row_data, null);
            assert.equal(updated?.old_row_data?.price, 34.95);
            assert.equal(updated.new_row_data?.price, 29.95);
            const { rows } = await source.query<{ item_id: number; committed: string }>(
                `SELECT item_id, to_char(pg_xact_commit_timestamp(xmin) AT TIME ZONE 'UTC',
                        'YYYY-MM-DD HH24:MI:SS.US') AS committed FROM public.items`,
            );
            assert.equal(rows.length, 4);
            for (const { item_id, committed } of rows) {
                const last = log.filter(({ row_key }) => row_key.item_id === item_id).at(-1);
                assert.equal(last?.committed, committed);
            }
        });

        const passwords = await passwordsOf(stack.stackDir);
        assert.equal(passwords.length, 4);
        const holdsPassword = (text: string): boolean =>
            passwords.some((password) => text.includes(password));
        assert.ok(!holdsPassword(output), "a password was printed");
        assert.deepEqual([...commandLines].filter(holdsPassword), []);
    });

    it("keeps passwords out of the engine's state, logs and process arguments", async () => {
        const passwords = await passwordsOf(stack.stackDir);
        assert.deepEqual(await filesWith(path.join(stack.localDir, "engine"), passwords), []);
        for (const folder of ["tasks", "servers"]) {
            const found = await filesWith(path.join(stack.stackDir, folder), passwords);
            // What the replicator is told to log in with is the one place, for its owner only.
            assert.deepEqual(
                found.filter((file) => path.basename(file) !== "task.json"),
                [],
            );
        }
    });

    it("prints its outputs as one JSON object", async () => {
        const outputs = await stack.outputs();
        assert.match(outputs.sourceUrl, /^postgresql:\/\/postgres:[^@]+@localhost:\d+\/appdb\?/);
        assert.match(outputs.auditUrl, /^postgresql:\/\/postgres:[^@]+@localhost:\d+\/appdb\?/);
        assert.deepEqual(outputs.tables, ["public.items"]);
    });

    it("shows what runs, and its logs", async () => {
        const { stdout } = await stack.run("status", "--json");
        const { servers, tasks } = JSON.parse(stdout) as {
            servers: { name: string; runs: boolean }[];
            tasks: { state: string; suspendedTables: string[] }[];
        };
        assert.deepEqual(
            servers.map(({ name, runs }) => [name, runs]),
            [
                ["audit-trail-local-audit", true],
                ["audit-trail-local-source", true],
            ],
        );
        assert.deepEqual(
            tasks.map(({ state, suspendedTables }) => [state, suspendedTables]),
            [["running", []]],
        );
        const psql = await stack.sql("audit", "SELECT count(*) FROM items_audit_log");
        assert.match(psql.stdout, /^ +7$/m);
        const { stdout: logs } = await stack.run("logs", "source", "task");
        assert.deepEqual(logs.match(/^\w+(?=: \/)/gm), ["source", "task"]);
        assert.match(logs, /database system is ready to accept connections/);
    });

    it("restarts and loses nothing when it is started again", async () => {
        const before = await stack.processes();
        assert.equal(before.length, 3);
        const log = await itemsLog();
        const { stdout } = await stack.run("start");
        assert.match(stdout, /^Resources: \d+ unchanged\. /m);
        assert.doesNotMatch(stdout, /Started again/);
        assert.equal(stdout.match(/^Step \d: .* \(done before: audit_id /gm)?.length, 3);
        assert.ok(stdout.split("\n").length < 25, stdout);
        assert.deepEqual(await stack.processes(), before);
        assert.deepEqual(await itemsLog(), log);
    });

    it("previews no change", async () => {
        const { stdout } = await stack.run("preview");
        const [, resources = ""] = stdout.split("Resources:\n");
        assert.match(resources, /^ +\d+ unchanged\nThe policy pack in policy\/ passed\.$/m);
        assert.doesNotMatch(resources, /to create|to update|to delete|to replace/);
        assert.doesNotMatch(stdout, / joins the /);
    });

    it("comes back with its data after every process was killed", async () => {
        const log = await itemsLog();
        const processes = await stack.processes();
        for (const { pid } of processes) {
            process.kill(pid, "SIGKILL");
        }
        await until(() => Promise.resolve(!processes.some(isLiving)));
        const status = await stack.attempt("status");
        assert.equal(status.code, 1);
        assert.match(status.stdout, /^ {2}does not run: audit-trail-local-source$/m);
        assert.match(status.stdout, /^Run "npm start" to bring back what does not run\.$/m);
        const psql = await stack.sql("source", "SELECT 1");
        assert.equal(psql.code, 2);
        assert.match(psql.stderr, /^"npm run status" shows what .* "npm start" brings it back\.$/m);
        const tables = await stack.attempt("tables");
        assert.equal(tables.code, 1);
        assert.match(tables.stderr, /^The database "appdb" at localhost:\d+ does not answer \(/m);
        const { stdout } = await stack.run("start");
        assert.equal(stdout.match(/^Started again: /gm)?.length, 3);
        assert.match(stdout, /^Resources: \d+ unchanged\. /m);
        await databases(async (source, audit) => {
            assert.deepEqual(await logOf(audit, ITEMS), log);
            await source.query("UPDATE public.items SET price = 18 WHERE item_id = 1");
            await arrival(audit, ITEMS, ({ new_row_data }) => new_row_data?.price === 18);
        });
    });

    it("leaves the task running when the source changes what DMS does not look at", async () => {
        const before = await stack.processes();
        await databases(async (source) => {
            await source.query("ALTER TABLE public.items ALTER COLUMN price DROP NOT NULL");
        });
        const { stdout } = await stack.run("start");
        assert.match(stdout, /^Resources: \d+ unchanged\. /m);
        assert.deepEqual(await stack.processes(), before);
    });

    it("previews a column that the source got, and shows it after the next start, which resumes the task", async () => {
        await databases(async (source) => {
            await source.query("ALTER TABLE public.items ADD COLUMN note text");
        });
        // What follows from a changed cluster is planned as well, and is not more than that.
        const tables = [...(ARTICLE.tables as string[]), "public.nowhere"];
        await stack.configure({ ...ARTICLE, tables, backupRetentionDays: 8 });
        const { stdout } = await stack.run("preview");
        assert.match(
            stdout,
            /The update will be refused, because these tables do not exist .*: public\.nowhere; create them/,
        );
        assert.match(stdout, /aws:dms:ReplicationTask \S+ update \[diff: ~tableMappings\]/);
        assert.equal(stdout.match(/update \[diff: ~backupRetentionPeriod\]/g)?.length, 2);
        assert.doesNotMatch(stdout, /aws:\S+ \S+ (create )?replace/);
        assert.match(stdout, /^The policy pack in policy\/ passed\.$/m);
        await stack.configure(ARTICLE);
        await stack.run("start");
        await databases(async (source, audit) => {
            await source.query("INSERT INTO public.items VALUES (6, 'Cable', 5, 'USB-C')");
            const [entry] = await arrival(audit, ITEMS, ({ row_key }) => row_key.item_id === 6);
            assert.deepEqual(entry?.new_row_data, {
                item_id: 6,
                name: "Cable",
                price: 5,
                note: "USB-C",
            });
        });
    });

    it("audits more tables, with a composite key and names of all kinds", async () => {
        await databases(async (source) => {
            await source.query(`CREATE SCHEMA "Sales";
                CREATE TABLE "Sales"."OrderLines" (
                    order_id bigint, "LineNo" integer, quantity integer NOT NULL,
                    PRIMARY KEY (order_id, "LineNo"))`);
            for (const { create } of CHANGING) {
                await source.query(create);
            }
            await source.query(MAKE_GOING);
        });
        const listed = [...OTHERS, ORDER_LINES, DROPPED, MOVING];
        await stack.configure(listing(listed));
        // Every login gets a new password meanwhile.
        const former = await passwordsOf(stack.stackDir);
        const { sourceUrl } = await stack.outputs();
        const watch = watchCommandLines();
        let output = "";
        const written = await writingDuring(sourceUrl, async () => {
            ({ output } = await stack.run("start"));
        });
        const commandLines = watch.stop();
        const now = await passwordsOf(stack.stackDir);
        const either = [...former, ...now];
        assert.deepEqual([now.length, new Set(either).size], [4, 8]);
        const shows = (text: string): boolean => either.some((password) => text.includes(password));
        assert.ok(!shows(output), "a password was printed");
        assert.deepEqual([...commandLines].filter(shows), []);
        assert.deepEqual(await filesWith(path.join(stack.localDir, "engine"), either), []);
        await assert.rejects(
            connected(sourceUrl, (source) => source.query("SELECT")),
            /password authentication failed/u,
        );
        await databases(async (_, audit) => {
            const entries = await arrival(
                audit,
                ITEMS,
                ({ row_key }) => row_key.item_id === 900,
                2 * written,
            );
            assert.equal(entries.length, 2 * written);
        });
        await databases(async (source, audit) => {
            await source.query(`INSERT INTO "Sales"."OrderLines" VALUES (7, 1, 10), (7, 2, 20)`);
            await source.query(`UPDATE "Sales"."OrderLines" SET quantity = 21 WHERE "LineNo" = 2`);
            await source.query(`DELETE FROM "Sales"."OrderLines" WHERE "LineNo" = 1`);
            const log = await arrival(audit, ORDER_LINES, () => true, 4);
            assert.deepEqual(
                log.map(({ operation, row_key, old_row_data, new_row_data }) => [
                    operation,
                    row_key,
                    old_row_data?.quantity,
                    new_row_data?.quantity,
                ]),
                [
                    ["I", { order_id: 7, LineNo: 1 }, undefined, 10],
                    ["I", { order_id: 7, LineNo: 2 }, undefined, 20],
                    ["U", { order_id: 7, LineNo: 2 }, 20, 21],
                    ["D", { order_id: 7, LineNo: 1 }, 10, undefined],
                ],
            );
            await source.query("UPDATE public.items SET price = 6 WHERE item_id = 4");
            await arrival(audit, ITEMS, ({ new_row_data }) => new_row_data?.price === 6);
            for (const name of [...CHANGING.map((one) => one.name), DROPPED, MOVING]) {
                await arrival(audit, name, ({ operation }) => operation === "B");
            }
        });
        await staysSo(listed);
        await databases(async (source, audit) => {
            await source.query(`UPDATE "Sales"."OrderLines" SET quantity = 22 WHERE "LineNo" = 2`);
            await arrival(audit, ORDER_LINES, ({ new_row_data }) => new_row_data?.quantity === 22);
        });
    });

    it("mends a trail whose trigger is gone, and says before that it will", async () => {
        await databases(async (_, audit) => {
            await audit.query(`DROP TRIGGER log_change ON "Sales"."OrderLines_staging"`);
        });
        const { stdout } = await stack.run("preview", "--json");
        const plan = JSON.parse(stdout) as { changes: { operation: string; type: string }[] };
        assert.deepEqual(
            plan.changes.map(({ operation, type }) => [operation, type]),
            [["update", "pulumi-nodejs:dynamic/auditTrail:SqlScript"]],
        );
        const { stdout: started } = await stack.run("start");
        assert.match(started, /^Resources: .*\b1 updated\b/m);
        await databases(async (source, audit) => {
            await source.query(`UPDATE "Sales"."OrderLines" SET quantity = 23 WHERE "LineNo" = 2`);
            await arrival(audit, ORDER_LINES, ({ new_row_data }) => new_row_data?.quantity === 23);
        });
        await startsUnchanged(1);
    });

    it("lets go of tables that leave the list, are dropped or renamed, keeps their logs and tells", async () => {
        let logged = 0;
        await databases(async (source, audit) => {
            logged = (await logOf(audit, ORDER_LINES)).length;
            await source.query(GO);
        });
        const refused = await stack.attempt("verify");
        assert.equal(refused.code, 1, refused.output);
        assert.match(refused.stdout, /public\.dropped\s+NOT complete/u);
        assert.match(refused.stdout, /called\s+Sales\.moved\s+now/u);
        assert.match(refused.stdout, /Sales\.OrderLines\s+complete/u);

        await databases(async (_, audit) => {
            await audit.query(`CREATE ROLE "Some reader" LOGIN PASSWORD 'reads'`);
        });
        await stack.configure({ ...listing([...OTHERS, MOVED]), databaseUsers: PEOPLE });
        await stack.run("start");
        await databases(async (source, audit) => {
            assert.equal((await logOf(audit, ORDER_LINES)).length, logged);
            const functions = await audit.query(
                "SELECT FROM pg_proc WHERE pronamespace = 'audit_trail'::regnamespace AND proname ~* '(orderlines|dropped|moving).*log_change$'",
            );
            assert.equal(functions.rows.length, 0, "their functions are left");
            await source.query(`INSERT INTO "Sales".moved VALUES (2)`);
            await arrival(audit, MOVED, ({ operation }) => operation === "I");
            const { rows } = await audit.query({
                text: `SELECT kind, table_name FROM audit_trail.gap
                    WHERE kind IN ('left the list', 'not audited') ORDER BY 1, 2`,
                rowMode: "array",
            });
            assert.deepEqual(rows, [
                ["left the list", "OrderLines"],
                ["left the list", "dropped"],
                ["left the list", "moving"],
                ["not audited", "moved"],
            ]);
            await audit.query(ACKNOWLEDGE);
        });
        await startsUnchanged(2);
        await stack.run("verify");
    });

    it("lets the people that it lists read the log and nothing more", async () => {
        const { auditUrl, auditLoginPolicies } = await stack.outputs();
        // The engine sorts the fields of an output.
        assert.match(
            JSON.stringify(auditLoginPolicies),
            /^\{"jane\.doe":\{[^]*"Resource":"arn:aws:rds-db:[^:]+:\d+:dbuser:cluster-\w+\/jane\.doe"/u,
        );
        const url = new URL(auditUrl);
        [url.username, url.password] = ["Some reader", "reads"];
        await connected(url.href, async (reader) => {
            await reader.query("SELECT * FROM items_audit_log");
            for (const change of ["DELETE FROM items_audit_log", "DELETE FROM items_staging"]) {
                await assert.rejects(reader.query(change), /permission denied/u);
            }
        });
        // No server here can ask IAM, and none lets the login in without.
        url.username = "jane.doe";
        await assert.rejects(
            connected(url.href, (jane) => jane.query("SELECT")),
            /pg_hba\.conf rejects connection for host .*, user "jane\.doe"/u,
        );
    });

    it("takes it up again and tells of the time in between, and follows columns that changed", async () => {
        await databases(async (source) => {
            await source.query(`DELETE FROM "Sales"."OrderLines";
                INSERT INTO "Sales"."OrderLines" VALUES (9, 1, 40)`);
            for (const { alter } of CHANGING) {
                await source.query(alter);
            }
        });
        await stack.configure(listing([...OTHERS, MOVED, ORDER_LINES]));
        await stack.run("start");
        await databases(async (source, audit) => {
            await source.query(`INSERT INTO "Sales"."OrderLines" VALUES (8, 1, 30)`);
            await arrival(audit, ORDER_LINES, ({ row_key }) => row_key.order_id === 8);
            // Nobody is listed any more.
            const { rows } = await audit.query(
                `SELECT r.rolname, pg_has_role(r.oid, 'audit_trail_auditor', 'MEMBER') AS reads
                FROM pg_roles AS r WHERE r.rolname IN ('Some reader', 'jane.doe')`,
            );
            assert.deepEqual(rows, [{ rolname: "Some reader", reads: false }]);
            for (const { name, update, logged } of CHANGING) {
                await source.query(update);
                const [entry] = await arrival(audit, name, ({ operation }) => operation === "U");
                assert.deepEqual([entry?.old_row_data, entry?.new_row_data], logged);
            }
        });
        const holed = await stack.attempt("verify");
        assert.equal(holed.code, 1, holed.output);
        assert.match(
            holed.stdout,
            /1 x not audited, [^]*reload\s+the\s+table,\s+docs\/tables\.md/u,
        );
        await databases(async (_, audit) => {
            await audit.query("SELECT audit_trail.begin_reload('Sales', 'OrderLines')");
            await stack.reload(ORDER_LINES);
            await arrival(audit, ORDER_LINES, ({ row_key }) => row_key.order_id === 9);
            await audit.query("SELECT audit_trail.end_reload('Sales', 'OrderLines')");
            await audit.query(ACKNOWLEDGE);
        });
        await staysSo([...OTHERS, MOVED, ORDER_LINES]);
    });

    it("completes a start that was interrupted, beside another stack", async () => {
        const ctrlC = other.begin("start");
        await until(async () => (await other.clusters()).length > 0, 120_000);
        signalGroup(ctrlC.child, "SIGINT");
        const interrupted = await ctrlC.ended;
        assert.equal(interrupted.code, 130, interrupted.output);
        assert.match(
            interrupted.stderr,
            /^The command has not done all of its work: run it again to go on\./m,
        );
        assert.doesNotMatch(interrupted.stderr, /context canceled/);

        const killed = other.begin("start");
        await until(
            () => Promise.resolve(/resources?( done)?, \d+ s: /.test(killed.output())),
            120_000,
        );
        const engine = listProcesses().find(
            ({ group, command }) => group === killed.child.pid && /\bpulumi up\b/.test(command),
        );
        assert.ok(engine !== undefined, `no engine at work:\n${killed.output()}`);
        process.kill(engine.pid, "SIGKILL");
        const failed = await killed.ended;
        assert.equal(failed.code, 1, failed.output);
        assert.doesNotMatch(failed.output, /^\s+at /m);

        const { stdout } = await other.run("start");
        assert.equal(stdout.match(/commit time in the log/g)?.length, 3);
        assert.equal((await other.processes()).length, 3);
        await databases(async (source, audit) => {
            assert.equal((await logOf(audit, ITEMS)).length, 7);
            await source.query("DELETE FROM public.items WHERE item_id = 1");
            await arrival(audit, ITEMS, ({ operation }) => operation === "D", 2);
        }, other);
        assert.equal((await stack.processes()).length, 3);
    });

    it("leaves nothing when it is stopped, and the other stack alone", async () => {
        const log = await itemsLog();
        await other.stop();
        assert.deepEqual(await itemsLog(), log);
        await stack.stop();
    });

    it("can be stopped when there is nothing", async () => {
        const { stdout } = await stack.run("stop");
        assert.match(stdout, /The laptop stack is gone/);
    });
});
