import assert from "node:assert/strict";
import type { Client } from "pg";
import type { Faults } from "../../local/dms/task/faults";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { until } from "../../testing/until";

const TABLES = ["credits", "debits"].map((table) => ({ schema: "public", table }));
const WRITERS = 6;
const TRANSACTIONS = 120;
const SHARED = "shared commit time";

/** Every row has the transaction that wrote it last, every transaction the number of its changes. */
const DDL = [
    ...TABLES.map(
        ({ table }) => `CREATE TABLE ${table} (id integer PRIMARY KEY, n integer, xid text)`,
    ),
    "CREATE TABLE done (xid text PRIMARY KEY, changes integer)",
    // Commits inside the server: nothing but that brings two commits within a microsecond so often.
    `CREATE PROCEDURE work(writer integer, transactions integer) LANGUAGE plpgsql AS $$
        DECLARE
            own text;
            changes integer;
            chosen text;
            k integer;
        BEGIN
            FOR t IN 1 .. transactions LOOP
                own := pg_current_xact_id();
                changes := 0;
                FOR n IN 1 .. 1 + floor(random() * 4) LOOP
                    chosen := CASE WHEN random() < 0.5 THEN 'credits' ELSE 'debits' END;
                    k := writer * 100 + floor(random() * 10);
                    EXECUTE format('INSERT INTO public.%I VALUES ($1, $2, $3)
                        ON CONFLICT (id) DO UPDATE SET n = excluded.n, xid = excluded.xid', chosen) USING k, n, own;
                    changes := changes + 1;
                    IF random() < 0.1 THEN
                        EXECUTE format('DELETE FROM public.%I WHERE id = $1', chosen) USING k;
                        changes := changes + 1;
                    END IF;
                END LOOP;
                INSERT INTO public.done VALUES (own, changes);
                COMMIT;
            END LOOP;
        END $$`,
].join("; ");

/** A transaction as the source committed it. */
interface Committed {
    readonly xid: string;
    readonly changes: number;
    /** Microseconds since 1970. */
    readonly time: string;
}

/** All that the two logs have of one transaction of the source. */
interface Logged {
    readonly xid: string;
    readonly changes: number;
    readonly ids: readonly string[];
    readonly times: readonly string[];
    readonly first: string;
    readonly last: string;
    readonly isRemarked: boolean;
    /** When its rows were logged, milliseconds since 1970. */
    readonly loggedFrom: number;
    readonly loggedUntil: number;
}

const COMMITTED = `SELECT xid, changes,
        (extract(epoch FROM pg_xact_commit_timestamp(xid::xid8::xid)) * 1000000)::bigint::text AS time
    FROM done ORDER BY xid`;

const LOGGED = `SELECT coalesce(l.new_row_data, l.old_row_data) ->> 'xid' AS xid, count(*)::int AS changes,
        array_agg(DISTINCT l.transaction_id::text) AS ids, array_agg(DISTINCT l.commit_timestamp::text) AS times,
        (min(audit_trail.lsn_of(l.stream_position)) - '0/0')::text AS first,
        (max(audit_trail.lsn_of(l.stream_position)) - '0/0')::text AS last,
        coalesce(bool_or('${SHARED}' = ANY (l.remarks)), false) AS "isRemarked",
        extract(epoch FROM min(l.recorded_at))::float8 * 1000 AS "loggedFrom",
        extract(epoch FROM max(l.recorded_at))::float8 * 1000 AS "loggedUntil"
    FROM (${TABLES.map(({ table }) => `SELECT new_row_data, old_row_data, transaction_id, commit_timestamp, stream_position, recorded_at, remarks FROM ${table}_audit_log`).join(" UNION ALL ")}) AS l
    GROUP BY 1 ORDER BY 1`;

describe("transaction_id and the source's own transactions", function () {
    this.timeout(120_000);
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
    let runs = 0;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
    });
    after(async () => {
        await audit.stop();
        await source.stop();
    });
    beforeEach(async () => {
        runs += 1;
        task = await Pipeline.deploy(source, audit, {
            name: `transactions_${runs}`,
            tables: TABLES,
            ddl: DDL,
        });
    });
    afterEach(async () => {
        await task.close();
    });

    /** All writers at once, while something happens to the task; then the task runs again. */
    async function write(writers: readonly Client[], happen: () => Promise<void>): Promise<void> {
        const all = Promise.all(
            writers.map((writer, at) => writer.query("CALL work($1, $2)", [at, TRANSACTIONS])),
        );
        all.catch(() => undefined);
        await happen();
        await all;
    }

    /** Transactions whose id is that of another, too. */
    function sharing(logged: readonly Logged[]): Logged[][] {
        const byId = new Map<string, Logged[]>();
        for (const one of logged) {
            const [id = ""] = one.ids;
            byId.set(id, [...(byId.get(id) ?? []), one]);
        }
        return [...byId.values()].filter(({ length }) => length > 1);
    }

    for (const streamPosition of ["change", "change-and-commit", "commit"] as const) {
        it(`agree over kills, parts and replays where the position is by ${streamPosition}`, async () => {
            const faults: Partial<Faults> = {
                streamPosition,
                replayAfterResume: 40,
                splitTransactions: 2,
            };
            task.setFaults(faults);
            const reader = await task.sourceSession();
            const trail = await task.auditSession();
            const writers: Client[] = [];
            for (let n = 0; n < WRITERS; n += 1) {
                writers.push(await task.sourceSession());
            }
            await task.start();
            const stops: number[] = [];
            await write(writers, async () => {
                await task.kill();
                stops.push(Date.now());
                await task.start();
            });
            await write(writers, async () => {
                // An odd number of target transactions from now: often between two parts of one.
                task.setFaults({ ...faults, killBeforeConfirm: 7 });
                await until(() => Promise.resolve(!task.isAlive), 30_000);
                stops.push(Date.now());
                task.setFaults(faults);
                await task.start();
            });
            await write(writers, async () => {
                await task.stop();
                stops.push(Date.now());
                await task.start();
            });
            await task.caughtUp(reader, trail);

            const { rows: committed } = await reader.query<Committed>(COMMITTED);
            const { rows: logged } = await trail.query<Logged>(LOGGED);
            assert.equal(committed.length, 3 * WRITERS * TRANSACTIONS);
            assert.deepEqual(
                logged.map(({ xid, changes, ids }) => ({ xid, changes, ids })),
                committed.map(({ xid, changes, time }) => ({ xid, changes, ids: [time] })),
            );
            const shared = sharing(logged);
            for (const group of shared) {
                assert.equal(new Set(group.flatMap(({ times }) => times)).size, 1);
            }
            const remarked = logged.filter(({ isRemarked }) => isRemarked);
            const groups = new Set(shared.flat());
            assert.deepEqual(
                remarked.filter((one) => !groups.has(one)),
                [],
                "a remark is on transactions that share their commit time alone",
            );
            assert.deepEqual(
                shared.filter(
                    (group) =>
                        interleave(group) &&
                        !group.some((one) => one.isRemarked) &&
                        !stops.some((stop) => isWithin(group, stop)),
                ),
                [],
                "two that interleave are remarked on, unless a stop came between them",
            );
        });
    }
});

/** Whether the positions of two of these transactions lie between each other's. */
function interleave(group: readonly Logged[]): boolean {
    return group.some((one) =>
        group.some(
            (other) =>
                one !== other &&
                BigInt(one.first) < BigInt(other.last) &&
                BigInt(other.first) < BigInt(one.last),
        ),
    );
}

/** Whether some of these rows were logged before a moment and others after it. */
function isWithin(group: readonly Logged[], moment: number): boolean {
    return (
        Math.min(...group.map(({ loggedFrom }) => loggedFrom)) <= moment &&
        Math.max(...group.map(({ loggedUntil }) => loggedUntil)) >= moment
    );
}
