import assert from "node:assert/strict";
import { kindsOf, tableOf, World } from "../../testing/verifiedTrail";

const DDL = `
    CREATE TABLE public.items (item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10, 2) NOT NULL);
    INSERT INTO public.items SELECT n, 'item ' || n, n FROM generate_series(1, 2000) AS n;
    CREATE TABLE public.words (word varchar(40) PRIMARY KEY);
    INSERT INTO public.words SELECT 'Ä' || n FROM generate_series(1, 350) AS n;
`;

describe("verify finds a defect:", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(DDL, [
            { schema: "public", table: "items" },
            { schema: "public", table: "words" },
        ]);
    });
    after(async () => {
        await world.close();
    });
    const id = (n: number): string => `{"item_id": ${n}}`;
    const log = (n: number): string => `items_audit_log WHERE row_key = '${id(n)}'`;
    const last = (n: number): string =>
        `${log(n)} AND audit_id = (SELECT max(audit_id) FROM ${log(n)})`;
    const copy = (n: number, columns: string): string =>
        `INSERT INTO items_audit_log (operation, row_key, old_row_data, new_row_data, commit_timestamp, stream_position, change_seq, transaction_id)
         SELECT ${columns}, transaction_id FROM ${last(n)}`;

    const middle = (n: number): string => `${log(n)} AND new_row_data ->> 'name' = 'first'`;
    const baseline = (which: string): string =>
        `UPDATE ${which.replace(" WHERE", " SET operation = 'B', old_row_data = NULL, transaction_id = NULL, stream_position = '', change_seq = '' WHERE")}`;
    /** Changes the image between two changes wherever it stands. */
    const both = (n: number, how: string): string =>
        `UPDATE ${middle(n).replace(" WHERE", ` SET new_row_data = new_row_data ${how} WHERE`)};
         UPDATE ${last(n).replace(" WHERE", ` SET old_row_data = old_row_data ${how} WHERE`)}`;

    /** Makes the staging row what the last row of the log says. */
    const stage = (n: number): string =>
        `INSERT INTO items_staging SELECT r.*, operation, commit_timestamp AT TIME ZONE 'UTC', stream_position, change_seq
         FROM items_audit_log, jsonb_to_record(new_row_data) AS r (item_id integer, name text, price numeric)
         WHERE row_key = '${id(n)}' AND audit_id = (SELECT max(audit_id) FROM ${log(n)})`;

    /** Key, what is done on the audit side, and how the key's differences read. */
    const FORGERIES: readonly (readonly [number, string, string, readonly RegExp[]])[] = [
        [
            1001,
            "a log row removed",
            `DELETE FROM ${log(1001)} AND operation = 'U' AND new_row_data ->> 'name' = 'first'`,
            [/^broken chain/],
        ],
        [
            1002,
            "the last log row removed",
            `DELETE FROM ${last(1002)}`,
            [/^log and staging differ .*log's last row is not what the source has/],
        ],
        [
            1003,
            "all log rows removed",
            `DELETE FROM ${log(1003)}`,
            [/^in staging but not in the log/],
        ],
        [
            1004,
            "the first log row removed",
            `DELETE FROM ${log(1004)} AND operation = 'B'`,
            [/^no start/],
        ],
        [
            1005,
            "a log row's new row altered",
            `UPDATE ${last(1005).replace(" WHERE", " SET new_row_data = new_row_data || '{\"price\": 0}' WHERE")}`,
            [/^log and staging differ .*not what the source has/],
        ],
        [
            1006,
            "a log row's old row altered",
            `UPDATE ${last(1006).replace(" WHERE", " SET old_row_data = old_row_data || '{\"price\": 0}' WHERE")}`,
            [/^broken chain/],
        ],
        [
            1007,
            "a log row's time altered",
            `UPDATE ${last(1007).replace(" WHERE", " SET commit_timestamp = commit_timestamp + interval '1 us', transaction_id = transaction_id + 1 WHERE")}`,
            [/^log and staging have other headers/],
        ],
        [
            1008,
            "a log row's operation altered",
            `UPDATE ${last(1008).replace(" WHERE", " SET operation = 'I', old_row_data = NULL WHERE")}`,
            [/^insert over existing row/],
        ],
        [
            1009,
            "a log row added",
            copy(1009, "'U', row_key, new_row_data, new_row_data, commit_timestamp, 'x', 'x'"),
            [/^log and staging have other headers/],
        ],
        [
            1010,
            "a log row doubled",
            copy(
                1010,
                "'U', row_key, new_row_data, new_row_data, commit_timestamp, stream_position, change_seq",
            ),
            [/^change logged twice/],
        ],
        [
            91011,
            "a log row of a row that never was",
            copy(1011, `'I', '${id(91011)}', NULL, new_row_data, commit_timestamp, 'x', 'x'`),
            [/^not in staging .*log's last row is not what/],
        ],
        [
            1012,
            "a staging row changed",
            "UPDATE items_staging SET price = 0 WHERE item_id = 1012",
            [/^log and staging differ .*staging does not/],
        ],
        [
            1013,
            "a staging row removed",
            "DELETE FROM items_staging WHERE item_id = 1013",
            [/^not in staging .*staging does not/],
        ],
        [
            1014,
            "a change lost",
            `DELETE FROM ${last(1014)}; DELETE FROM items_staging WHERE item_id = 1014; ${stage(1014)}`,
            [/^different row \(columns: name\)/],
        ],
        [
            95001,
            "an insert lost",
            `DELETE FROM ${log(95001)}; DELETE FROM items_staging WHERE item_id = 95001`,
            [/^missing in trail/],
        ],
        [
            1015,
            "a delete lost",
            `DELETE FROM ${last(1015)}; DELETE FROM audit_trail.public_items_tombstone WHERE row_key = '${id(1015)}'; ${stage(1015)}`,
            [/^missing at source/],
        ],
        [
            1016,
            "a tombstone removed",
            `DELETE FROM audit_trail.public_items_tombstone WHERE row_key = '${id(1016)}'`,
            [/^deleted without tombstone/],
        ],
        [
            1017,
            "a logged delete removed",
            `DELETE FROM ${last(1017)}`,
            [/^not in staging/, /^tombstone without delete/],
        ],
        [
            1018,
            "the whole history of a deleted row removed",
            `DELETE FROM ${log(1018)}`,
            [/^tombstone without delete/],
        ],
        [
            1019,
            "a deleted row put back into staging",
            "INSERT INTO items_staging SELECT 1019, name, price FROM items_staging WHERE item_id = 1",
            [/^missing at source|deleted but in staging/],
        ],
        [
            1030,
            "a transaction id altered",
            `UPDATE ${middle(1030).replace(" WHERE", " SET transaction_id = transaction_id + 1 WHERE")}`,
            [/^malformed log row/],
        ],
        [
            1031,
            "a history made a baseline, in staging too",
            `DELETE FROM ${log(1031)} AND new_row_data ->> 'name' <> 'second'; ${baseline(last(1031))};
             UPDATE items_staging SET audit_trail_operation = 'I', audit_trail_stream_position = '', audit_trail_change_seq = '' WHERE item_id = 1031`,
            [/^baseline without a load/],
        ],
        [1032, "a change made a baseline", baseline(middle(1032)), [/^baseline without a load/]],
        [
            1033,
            "a removed row excused by a remark",
            `DELETE FROM ${middle(1033)}; UPDATE ${last(1033).replace(" WHERE", " SET old_row_data = NULL, remarks = '{overlaps baseline}' WHERE")}`,
            [/^broken chain/],
        ],
        [
            1034,
            "a removed row excused by an insert with a remark",
            `DELETE FROM ${middle(1034)};
             UPDATE ${log(1034).replace(" WHERE", " SET commit_timestamp = commit_timestamp - interval '1 hour' WHERE")} AND operation = 'B';
             UPDATE ${last(1034).replace(" WHERE", " SET operation = 'I', old_row_data = NULL, remarks = '{overlaps baseline}' WHERE")}`,
            [/^insert over existing row/],
        ],
        [
            1035,
            "an operation that there is not",
            `UPDATE ${middle(1035).replace(" WHERE", " SET operation = 'X' WHERE")}`,
            [/^malformed log row/],
        ],
        [
            1036,
            "a number made a text",
            `UPDATE ${middle(1036).replace(" WHERE", " SET new_row_data = jsonb_set(new_row_data, '{price}', to_jsonb(new_row_data ->> 'price')) WHERE")}`,
            [/^broken chain/],
        ],
        [
            1037,
            "a column that there is not, in neighbours alike",
            both(1037, `|| '{"paid": true}'`),
            [/^malformed log row/],
        ],
        [
            1038,
            "a column taken out, in neighbours alike",
            both(1038, "- 'price'"),
            [/^malformed log row/],
        ],
        [
            91039,
            "the whole history of a deleted row given to another",
            `UPDATE ${log(1039).replace(" WHERE", ` SET row_key = '${id(91039)}' WHERE`)};
             UPDATE audit_trail.public_items_tombstone SET row_key = '${id(91039)}' WHERE row_key = '${id(1039)}'`,
            [/^malformed log row/],
        ],
    ];
    let found: ReadonlyMap<string, string[]>;
    let keys: ReadonlySet<string>;

    before(async () => {
        const touched = "(item_id BETWEEN 1001 AND 1019 OR item_id BETWEEN 1030 AND 1039)";
        await world.source.query(
            `UPDATE items SET name = 'first' WHERE ${touched} AND item_id <> 1003`,
        );
        await world.source.query(
            `UPDATE items SET name = 'second' WHERE ${touched} AND item_id <> 1003`,
        );
        await world.source.query(
            "DELETE FROM items WHERE item_id BETWEEN 1015 AND 1019 OR item_id = 1039",
        );
        await world.source.query("INSERT INTO items VALUES (95001, 'lost', 1)");
        await world.evade("items", "UPDATE items SET item_id = 91020 WHERE item_id = 1020");
        const quiet = await world.verify({}, "public.items");
        assert.deepEqual(
            tableOf(quiet, "public.items").differences.map(({ key, kind }) => [key, kind]),
            [
                [id(91020), "missing in trail"],
                [id(1020), "missing at source"],
            ],
        );
        for (const [, , sql] of FORGERIES) {
            await world.forge(sql);
        }
        const { differences } = tableOf(
            await world.verify({ chunkRows: 700 }, "public.items"),
            "public.items",
        );
        const byKey = new Map<string, string[]>();
        for (const { key, kind, detail } of differences) {
            byKey.set(key, [...(byKey.get(key) ?? []), `${kind} (${detail})`]);
        }
        found = byKey;
        keys = new Set(FORGERIES.map(([key]) => id(key)));
    });

    for (const [key, what, , expected] of FORGERIES) {
        it(what, () => {
            const texts = found.get(id(key)) ?? [];
            assert.equal(texts.length >= expected.length, true, `found: ${texts.join("; ")}`);
            for (const pattern of expected) {
                assert.ok(
                    texts.some((text) => pattern.test(text)),
                    `found: ${texts.join("; ")}`,
                );
            }
        });
    }

    it("an update of a key at the source", () => {
        assert.match(String(found.get(id(1020))), /^missing at source/u);
        assert.match(String(found.get(id(91020))), /^missing in trail/u);
    });

    it("and nothing else", () => {
        assert.deepEqual(
            [...found.keys()].filter(
                (key) => !keys.has(key) && ![id(1020), id(91020)].includes(key),
            ),
            [],
        );
    });

    it("a TRUNCATE at the source", async () => {
        const before = await world.verify({}, "public.words");
        assert.ok(before.complete);
        await world.evade("words", "TRUNCATE words");
        const report = tableOf(
            await world.verify({ maxListed: 5, chunkRows: 100 }, "public.words"),
            "public.words",
        );
        assert.deepEqual(kindsOf(report), ["missing at source"]);
        assert.equal(report.differenceCount, tableOf(before, "public.words").rows);
        assert.equal(report.differences.length, 5);
    });
});
