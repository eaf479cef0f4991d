import assert from "node:assert/strict";
import type { Client } from "pg";
import { definitionOf, ITEMS, type Trail, trailServer } from "../../testing/trailDatabase";

const ORDERS = definitionOf(
    "public",
    "orders",
    { order_id: "integer", name: "character varying(100)", price: "numeric(10,2)" },
    ["order_id"],
);
/** Hands out positions of one form; the second names the commit behind each change. */
const FORMS: Readonly<Record<string, (change: string, commit: string) => string>> = {
    "the change's": (change) => change,
    "change and commit": (change, commit) => `${commit}.1.${change}`,
    "the commit's": (_change, commit) => commit,
};

function hex(lsn: number): string {
    return `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
}

/** A position with small letters, which the log's function judges elsewhere. */
function small(change: string): string {
    return change.toLowerCase();
}

describe("transaction_id", function () {
    this.timeout(60_000);
    let trail: Trail;
    let dms: Client;
    let lsn = 0x1000;
    let second = 0;
    let key = 0;

    before(async () => {
        trail = await trailServer([ITEMS, ORDERS]);
        ({ dms } = trail);
    });
    after(async () => {
        await trail.stop();
    });

    interface Change {
        readonly table: string;
        readonly key: number;
        readonly name: string;
        readonly operation: "I" | "U";
        readonly time: string;
        readonly at: string;
        readonly seq: string;
    }

    /** A source transaction over both tables: an insert into each, and an update of one. */
    function transaction(
        position: (change: string, commit: string) => string = (change) => change,
        time?: string,
    ): Change[] {
        second += 1;
        key += 1;
        const begin = lsn;
        lsn += 0x100;
        const commit = hex(begin + 0xf0);
        const at =
            time ?? new Date(Date.UTC(2026, 10, 23, 10) + second * 1000).toISOString().slice(0, -1);
        return [
            ["items", "I", "a"] as const,
            ["orders", "I", "a"] as const,
            ["items", "U", "b"] as const,
        ].map(([table, operation, name], n) => ({
            table,
            key,
            name,
            operation,
            time: at,
            at: position(hex(begin + 0x10 * (n + 1)), commit),
            seq: `${hex(begin)}.${String(n)}`,
        }));
    }

    async function apply(changes: readonly Change[], again = false): Promise<void> {
        await dms.query("BEGIN");
        for (const { table, key, name, operation, time, at, seq } of changes) {
            const id = table === "items" ? "item_id" : "order_id";
            if (operation === "U") {
                await dms.query(
                    `UPDATE ${table}_staging SET name = $2, audit_trail_operation = 'U', audit_trail_commit_timestamp = $3, audit_trail_stream_position = $4, audit_trail_change_seq = $5
                        WHERE ${id} = $1`,
                    [key, name, time, at, seq],
                );
                continue;
            }
            if (again) {
                await dms.query(`DELETE FROM ${table}_staging WHERE ${id} = $1`, [key]);
            }
            await dms.query(`INSERT INTO ${table}_staging VALUES ($1, $2, 1, 'I', $3, $4, $5)`, [
                key,
                name,
                time,
                at,
                seq,
            ]);
        }
        await dms.query("COMMIT");
    }

    interface Logged {
        readonly table: string;
        readonly id: string;
        readonly remarks: string[] | null;
    }

    async function logged(of: number): Promise<Logged[]> {
        const { rows } = await trail.reader.query<Logged>(
            `SELECT 'items' AS table, transaction_id AS id, remarks FROM items_audit_log WHERE row_key = jsonb_build_object('item_id', $1::int)
                UNION ALL
             SELECT 'orders', transaction_id, remarks FROM orders_audit_log WHERE row_key = jsonb_build_object('order_id', $1::int)`,
            [of],
        );
        return rows;
    }

    /** The ids of a transaction's rows, each once. */
    async function ids(changes: readonly Change[]): Promise<string[]> {
        const rows = await logged(changes[0]?.key ?? 0);
        assert.equal(rows.length, changes.length);
        return [...new Set(rows.map(({ id }) => id))];
    }

    for (const [form, position] of Object.entries(FORMS)) {
        describe(`where the position is ${form}`, () => {
            it("is one for all rows of a transaction, and another one for each transaction", async () => {
                const [first, other] = [transaction(position), transaction(position)];
                await apply([...first, ...other]);
                const [one, two] = [await ids(first), await ids(other)];
                assert.equal(one.length, 1);
                assert.equal(two.length, 1);
                assert.notDeepEqual(one, two);
            });

            it("is the same over split target transactions, a stop between them, and replays", async () => {
                const changes = transaction(position);
                await apply(changes.slice(0, 1));
                dms = await trail.reconnectDms();
                await apply(changes.slice(0, 2), true);
                await apply(changes.slice(2));
                dms = await trail.reconnectDms();
                await apply(changes, true);
                assert.equal((await ids(changes)).length, 1);
            });

            it("is unremarkable where no two transactions share a commit time", async () => {
                const changes = [transaction(position), transaction(position)];
                await apply(changes.flat());
                for (const [first] of changes) {
                    const rows = await logged(first?.key ?? 0);
                    assert.ok(rows.every(({ remarks }) => remarks === null));
                }
            });
        });
    }

    it("is the commit time in microseconds since 1970, to the last digit", async () => {
        const changes = transaction(undefined, "2026-11-23 10:00:00.123457");
        await apply(changes);
        assert.deepEqual(await ids(changes), ["1795428000123457"]);
        const late = transaction(undefined, "9999-12-31 23:59:59.999999");
        await apply(late);
        assert.deepEqual(await ids(late), ["253402300799999999"]);
    });

    for (const [n, { of, first, second: other }] of [
        { of: "capitals", first: undefined, second: undefined },
        { of: "capitals, then small letters", first: undefined, second: small },
        { of: "small letters, then capitals", first: small, second: undefined },
        { of: "small letters", first: small, second: small },
    ].entries()) {
        it(`is remarked on where two transactions interleave within one microsecond, with positions in ${of}`, async () => {
            const time = `2026-11-23 11:00:00.00000${n}`;
            const [began, committed] = [transaction(other, time), transaction(first, time)];
            // The second one to begin commits first, so that DMS hands it over first.
            await apply([...committed, ...began]);
            const remarks = (rows: Logged[]): unknown[] => rows.flatMap((row) => row.remarks ?? []);
            assert.deepEqual(remarks(await logged(committed[0]?.key ?? 0)), []);
            assert.ok(remarks(await logged(began[0]?.key ?? 0)).includes("shared commit time"));
        });
    }

    describe("and other look-ups of the log", () => {
        /** The partition that nearly all rows are in. */
        const month = new Date().toISOString();
        const filled = `items_audit_log_y${month.slice(0, 4)}m${month.slice(5, 7)}`;

        before(async () => {
            await dms.query(
                `INSERT INTO items_staging SELECT n, 'item ' || n, 1, 'I', now() AT TIME ZONE 'UTC' + n * interval '1 ms',
                    '00000001/' || lpad(to_hex(n), 8, '0'), n FROM generate_series(100000, 130000) AS n`,
            );
            await trail.superuser.query("VACUUM ANALYZE items_audit_log");
        });

        /** The plan's nodes that read the whole of that partition. */
        async function scans(sql: string): Promise<string[]> {
            const { rows } = await trail.reader.query<{ "QUERY PLAN": unknown }>(
                `EXPLAIN (FORMAT json) ${sql}`,
            );
            const text = JSON.stringify(rows[0]?.["QUERY PLAN"]);
            assert.ok(text.includes(filled), text);
            return [
                ...text.matchAll(/"Node Type":"Seq Scan"[^{}]*?"Relation Name":"([^"]*)"/gu),
            ].flatMap(([, name = ""]) => (name.startsWith(filled) ? [name] : []));
        }

        it("finds a transaction without reading the whole log", async () => {
            const { rows } = await trail.reader.query<{ id: string }>(
                `SELECT transaction_id AS id FROM items_audit_log WHERE audit_trail.is_key(row_key, '{"item_id": 115000}')`,
            );
            const sql = `SELECT * FROM items_audit_log WHERE transaction_id = ${rows[0]?.id ?? ""}`;
            assert.deepEqual(await scans(sql), []);
            assert.equal((await trail.reader.query(sql)).rowCount, 1);
        });

        it("finds a key by audit_trail.is_key()", async () => {
            const sql = `SELECT * FROM items_audit_log WHERE audit_trail.is_key(row_key, '{"item_id": 115000}')`;
            assert.deepEqual(await scans(sql), []);
            assert.equal((await trail.reader.query(sql)).rowCount, 1);
        });

        it("finds a window of time", async () => {
            assert.deepEqual(
                await scans(
                    "SELECT * FROM items_audit_log WHERE commit_timestamp BETWEEN now() + interval '115 s' AND now() + interval '115.1 s'",
                ),
                [],
            );
        });

        it("finds a row's history", async () => {
            const before = async (): Promise<number> => {
                const { rows } = await trail.superuser.query<{ n: string }>(
                    "SELECT pg_stat_force_next_flush(), seq_scan AS n FROM pg_stat_user_tables WHERE relname = $1",
                    [filled],
                );
                return Number(rows[0]?.n);
            };
            await trail.reader.query("SELECT pg_stat_force_next_flush()");
            const scanned = await before();
            const { rowCount } = await trail.reader.query(
                `SELECT pg_stat_force_next_flush() FROM audit_trail.row_history('public', 'items', '{"item_id": 115000}')`,
            );
            assert.equal(rowCount, 1);
            assert.equal(await before(), scanned);
        });
    });
});
