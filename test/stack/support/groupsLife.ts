import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Client } from "pg";
import { until } from "../../../testing/until";
import { connected, isLiving, type LaptopStack, type Settings } from "./laptopStack";
import { logOf } from "./log";

const ORDERS = { schema: "public", table: "orders" };
const TABLES = ["public.orders", "public.lines", "public.notes"];
/** The resource of the default group's task. */
const TASK = "audit-trail-local-task";
/** The task of the default group as DMS knows it; that of another group has its resource's name. */
const DEFAULT_ID = "audit-trail-local";

/** Explains what these tests have made. */
const ACKNOWLEDGE = `SELECT audit_trail.acknowledge(g.gap_id, 'test') FROM audit_trail.gap AS g
    WHERE g.kind IN ('moved to another group', 'reload')
        AND NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS k WHERE k.gap_id = g.gap_id)`;

/** What the tests need of the stack that they go on with. */
export interface Ground {
    readonly stack: LaptopStack;
    readonly settings: Settings;
    readonly atSource: (work: (source: Client) => Promise<void>) => Promise<void>;
}

/** What the engine would do to the tasks. */
interface PlannedTask {
    readonly type: string;
    readonly name: string;
    readonly operation: string;
}

/** How often a task has started, by its own log. */
function starts(stack: LaptopStack, task: string): number {
    const log = readFileSync(path.join(stack.stackDir, "tasks", task, "task.log"), "utf8");
    return log.match(/ starts\.$/gm)?.length ?? 0;
}

/** Tests of two groups on a stack that runs: it lets go of the tables that it has, and takes up these. */
export function groupsLife(ground: () => Ground): void {
    let auditUrl = "";
    const regroup = async (
        groups: Readonly<Record<string, readonly string[]>>,
    ): Promise<string> => {
        const { stack, settings } = ground();
        await stack.configure({ ...settings, tables: TABLES, groups });
        const { stdout } = await stack.run("start");
        return stdout;
    };
    const atAudit = async (...texts: readonly string[]): Promise<void> => {
        await connected(auditUrl, async (audit) => {
            for (const text of texts) {
                await audit.query(text);
            }
        });
    };
    const openGaps = async (): Promise<string[]> =>
        await connected(auditUrl, async (audit) => {
            const { rows } = await audit.query<{ gap: string }>(
                `SELECT g.table_name || ': ' || g.kind AS gap FROM audit_trail.gap AS g
                WHERE g.kind = 'moved to another group'
                    AND NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS k WHERE k.gap_id = g.gap_id)
                ORDER BY gap`,
            );
            return rows.map(({ gap }) => gap);
        });

    it("lets tables have a task of their own, whose death leaves the others alone and is named", async () => {
        const { stack, atSource } = ground();
        await atSource(async (source) => {
            await source.query(
                TABLES.map(
                    (table) =>
                        `CREATE TABLE ${table} (id integer PRIMARY KEY, price numeric(9, 2));
                        INSERT INTO ${table} VALUES (1, 1)`,
                ).join(";"),
            );
        });
        const said = await regroup({ sales: ["public.lines"] });
        assert.equal(
            said.match(/^Warning: public\.items leaves the list: .* list it again/gm)?.length,
            1,
            said,
        );
        ({ auditUrl } = await stack.outputs());

        const tasks = (await stack.processes()).filter(({ what }) => what.includes("task"));
        assert.deepEqual(tasks.map(({ what }) => what).sort(), [
            `task ${DEFAULT_ID}`,
            `task ${TASK}-sales`,
        ]);
        const sales = tasks.find(({ what }) => what.endsWith("-sales"));
        assert.ok(sales);
        process.kill(sales.pid, "SIGKILL");
        await until(() => Promise.resolve(!isLiving(sales)));
        await atSource(async (source) => {
            await source.query(
                `BEGIN; UPDATE public.orders SET price = 2; UPDATE public.lines SET price = 2; COMMIT`,
            );
        });
        const verified = await stack.attempt("verify");
        assert.equal(verified.code, 1, verified.output);
        assert.match(
            verified.stdout.replaceAll(/\s+/gu, " "),
            /The group sales: [^:]*: the task \S+-sales has failed \(The replicator's process ended unexpectedly\): mend that, then run "npm start"\./u,
        );
        const status = await stack.attempt("status");
        assert.match(status.stdout, /^ +failed: audit-trail-local-task-sales \(group sales\)$/m);

        const { stdout } = await stack.run("start");
        assert.match(stdout, new RegExp(`^Started again: .*${TASK}-sales`, "mu"));
        assert.match(stdout, /^Resources: \d+ unchanged\. /m);
        assert.doesNotMatch(stdout, /^Warning/m);
    });

    it("takes a column of one group's table over without touching the task of another", async () => {
        const { stack, atSource } = ground();
        const unchanged = JSON.parse((await stack.run("preview", "--json")).stdout) as {
            readonly changes: readonly PlannedTask[];
        };
        assert.deepEqual(unchanged.changes, []);
        await atSource(async (source) => {
            await source.query("ALTER TABLE public.lines ADD COLUMN quantity integer");
        });
        const { changes } = JSON.parse((await stack.run("preview", "--json")).stdout) as {
            readonly changes: readonly PlannedTask[];
        };
        assert.deepEqual(
            changes
                .filter(({ type }) => type.endsWith(":ReplicationTask"))
                .map(({ name, operation }) => [name, operation]),
            [[`${TASK}-sales`, "update"]],
        );
        const before = [starts(stack, DEFAULT_ID), starts(stack, `${TASK}-sales`)];
        await stack.run("start");
        assert.deepEqual(
            [starts(stack, DEFAULT_ID), starts(stack, `${TASK}-sales`)],
            [before[0], (before[1] ?? 0) + 1],
        );
        await atSource(async (source) => {
            await source.query("INSERT INTO public.lines VALUES (2, 3, 4)");
            await source.query(
                "DELETE FROM public.orders WHERE id = 1; INSERT INTO public.orders VALUES (2, 2)",
            );
        });
        await stack.run("verify");
    });

    it("moves a table to another group with a row of the gap ledger", async () => {
        const { stack } = ground();
        const said = await regroup({ sales: ["public.lines", "public.orders"] });
        assert.deepEqual(
            said.match(/^Warning: .*$/gm)?.map((line) => line.split(":")[1]),
            [" public.orders moves from the group default to the group sales"],
        );
        assert.deepEqual(await openGaps(), ["orders: moved to another group"]);
        await atAudit("SELECT audit_trail.end_reload('public', 'orders')", ACKNOWLEDGE);
        await stack.run("verify");
    });

    it("ends a group in two updates, and plans the reload of a table that its task had before", async () => {
        const { stack, atSource } = ground();
        const said = await regroup({});
        const warnings = said.match(/^Warning: .*$/gm) ?? [];
        assert.equal(warnings.length, 3, said);
        assert.match(
            warnings.join("\n"),
            /public\.orders moves .*The group's task has carried it before/u,
        );
        assert.match(warnings.join("\n"), /public\.lines moves .*The new task loads it again/u);
        assert.match(warnings.join("\n"), /The group sales ends: /u);
        assert.deepEqual(await openGaps(), [
            "lines: moved to another group",
            "orders: moved to another group",
        ]);
        await connected(auditUrl, async (audit) => {
            const loaded = async (): Promise<number> =>
                (await logOf(audit, ORDERS)).filter(({ operation }) => operation === "B").length;
            const before = await loaded();
            await stack.reload(ORDERS);
            await until(async () => (await loaded()) > before, 60_000);
        });
        await atAudit(
            "SELECT audit_trail.end_reload('public', 'orders')",
            "SELECT audit_trail.end_reload('public', 'lines')",
            ACKNOWLEDGE,
        );
        const { stdout } = await stack.run("start");
        assert.match(stdout, /^Resources: .*\bdeleted\b/m);
        assert.deepEqual(
            (await stack.processes())
                .map(({ what }) => what)
                .filter((what) => what.includes("task")),
            [`task ${DEFAULT_ID}`],
        );
        await atSource(async (source) => {
            const { rowCount } = await source.query("SELECT FROM pg_replication_slots");
            assert.equal(rowCount, 1);
            await source.query("UPDATE public.lines SET price = 9");
        });
        await stack.run("verify");
    });
}
