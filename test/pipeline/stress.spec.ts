import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { disconnect } from "../../local/dms/connection";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { Deeds } from "../../testing/pipeline/stress";
import { readComplaints } from "../../testing/pipeline/trailReader";
import { trailNames } from "../../trail/names";
import { verifyTrail } from "../../verify/verifyTrail";

const TABLES = ["orders", "visits"].map((table) => ({ schema: "public", table }));
const WRITERS = 2;
const DURATION_MS = 6_000;
/** Kinds of gap that changed columns and stops leave. They hide no change. */
const EXPECTED_GAPS = ["task stopped", "shape change"];
/** Types whose columns give the log's function another setting, and with it another body and name. */
const COLUMN_TYPES = ["interval", "bytea", "double precision", "integer"];

/** Both tables, and what their own row triggers remember of every change. */
const DDL = [
    ...TABLES.map(
        ({ table }) => `CREATE TABLE ${table} (id integer PRIMARY KEY, n bigint, at timestamptz)`,
    ),
    `CREATE TABLE history (change_id bigint GENERATED ALWAYS AS IDENTITY, table_name text, operation text, id integer,
        n bigint, xid xid DEFAULT pg_current_xact_id()::xid)`,
    `CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            changed jsonb := to_jsonb(coalesce(NEW, OLD));
        BEGIN
            INSERT INTO public.history (table_name, operation, id, n)
                VALUES (TG_TABLE_NAME, left(TG_OP, 1), (changed ->> 'id')::integer, (changed ->> 'n')::bigint);
            RETURN NULL;
        END $$`,
    ...TABLES.map(
        ({ table }) =>
            `CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION remember()`,
    ),
    "CREATE SEQUENCE numbers",
    `CREATE PROCEDURE work(writer integer, transactions integer) LANGUAGE plpgsql AS $$
        DECLARE
            chosen text;
            k integer;
        BEGIN
            FOR t IN 1 .. transactions LOOP
                -- In one order for everybody, as ALTER TABLE of one table meets no deadlock then.
                FOREACH chosen IN ARRAY ARRAY['orders', 'visits'] LOOP
                    k := writer * 100 + floor(random() * 20);
                    EXECUTE format('INSERT INTO public.%I (id, n, at) VALUES ($1, nextval(''public.numbers''), clock_timestamp())
                        ON CONFLICT (id) DO UPDATE SET n = excluded.n, at = excluded.at', chosen) USING k;
                    IF random() < 0.1 THEN
                        EXECUTE format('DELETE FROM public.%I WHERE id = $1', chosen) USING k;
                    END IF;
                END LOOP;
                COMMIT;
            END LOOP;
        END $$`,
].join("; ");

/** Everything that takes locks, at once, while DMS is always behind. */
describe("updates, changed columns, maintenance and auditors beside DMS", function () {
    this.timeout(120_000);
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
    let admin: Client;
    let trail: Client;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
        task = await Pipeline.deploy(source, audit, {
            name: "stress",
            tables: TABLES,
            ddl: DDL,
            guards: { truncate: "refuse", keyUpdate: "refuse" },
        });
        admin = await task.sourceSession();
        trail = await task.auditSession();
    });
    after(async () => {
        await task.close();
        await audit.stop();
        await source.stop();
    });

    /** One column more or less at the source, then what the documentation asks for: an update, a stop and a resume. */
    async function changeColumn(deeds: Deeds, sql: string): Promise<void> {
        await admin.query(sql);
        await deeds.update();
        await task.stop();
        await task.start();
    }

    it("cost no change, and leave a trail that is complete", async () => {
        const deeds = new Deeds(task, TABLES);
        const writers = [];
        for (let n = 0; n < WRITERS; n += 1) {
            writers.push(await task.sourceSession());
        }
        task.setFaults({ replayAfterResume: 50 });
        await task.start();
        const end = Date.now() + DURATION_MS;
        const repeat = async (deed: () => Promise<unknown>): Promise<void> => {
            while (Date.now() < end) {
                await deed();
            }
        };
        let columns = 0;
        const everything = await Promise.allSettled([
            ...writers.map((writer, at) =>
                repeat(async () => {
                    await writer.query("CALL work($1, 20)", [at]);
                    await pause(10);
                }),
            ),
            repeat(async () => {
                const type = COLUMN_TYPES[columns % COLUMN_TYPES.length] ?? "text";
                const table = TABLES[columns % TABLES.length]?.table ?? "";
                const name = `more_${String(columns)}`;
                await changeColumn(deeds, `ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
                await deeds.update();
                await changeColumn(deeds, `ALTER TABLE ${table} DROP COLUMN ${name}`);
                columns += 1;
            }),
            repeat(() => deeds.maintain()),
            repeat(() => deeds.audit()),
            repeat(() => deeds.audit()),
        ]);
        for (const one of everything) {
            if (one.status === "rejected") {
                throw one.reason;
            }
        }
        assert.ok(columns > 0);
        assert.deepEqual([...deeds.done.keys()].sort(), [
            "audit",
            "lose a partition",
            "maintain",
            "update",
        ]);
        await task.caughtUp(admin, trail);

        const { rows: unlogged } = await trail.query("SELECT * FROM audit_trail.unlogged_change");
        assert.deepEqual(unlogged, []);
        const complaints = await readComplaints(trail);
        assert.deepEqual(
            complaints.filter(({ kind }) => !EXPECTED_GAPS.includes(kind ?? "")),
            [],
        );
        for (const { table } of TABLES) {
            const made = await history(
                admin,
                `SELECT id, operation, n, pg_xact_commit_timestamp(xid) AS at, change_id AS place FROM history WHERE table_name = '${table}'`,
            );
            const logged = await history(
                trail,
                `SELECT (row_key ->> 'id')::int AS id, operation, (coalesce(new_row_data, old_row_data) ->> 'n')::bigint AS n,
                        commit_timestamp AS at, audit_id AS place
                    FROM ${trailNames({ schema: "public", table }).auditLog} WHERE operation <> 'B'`,
            );
            assert.ok(made.length > 0);
            assert.deepEqual(logged, made, `every change of ${table}, in its order`);
        }
        const master = await task.verifySession();
        try {
            const report = await verifyTrail(admin, master, task.definitions);
            assert.ok(report.complete, JSON.stringify(report));
        } finally {
            await disconnect(master);
        }
    });
});

/** Every key with the number of its changes, and a digest of them in their order. */
async function history(client: Client, changes: string): Promise<unknown[]> {
    const { rows } = await client.query<{ id: number; changes: number; digest: string }>(
        `SELECT id, count(*)::int AS changes,
                md5(string_agg(concat_ws(' ', operation, n, extract(epoch FROM at)), E'\\n' ORDER BY place)) AS digest
            FROM (${changes}) AS c GROUP BY id ORDER BY id`,
    );
    return rows;
}
