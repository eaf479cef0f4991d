import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeIdentifier } from "pg";
import { definitionOf, type Trail, trailServer } from "../../testing/trailDatabase";
import { HEADER_COLUMNS } from "../../trail/headerColumns";
import { trailNames } from "../../trail/names";
import { type Behaviour, deliver, type Step, type Target } from "./support/delivery";
import { type Draft, type History, historyOf, type Values } from "./support/history";

/** Every run has keys of its own: the log cannot be emptied, which is the point of it. */
const TARGETS: readonly ((run: number) => Target)[] = [
    (run) => ({
        definition: definitionOf(
            "public",
            "items",
            { item_id: "text", amount: "numeric(10,2)", note: "text" },
            ["item_id"],
        ),
        keyOf: (key) => [`${run}:${key}`],
        amount: "amount",
        note: "note",
    }),
    (run) => ({
        definition: definitionOf(
            'My "Schéma".x',
            "Ta'ble %s of a name that is as long as PostgreSQL can keep it ü",
            {
                'Größe"x': "character varying(20)",
                "Run Id": "character varying(20)",
                "%s": "timestamp with time zone",
                amount: "numeric(10,2)",
                "note's $1": "text",
            },
            ["%s", "Run Id"],
        ),
        keyOf: (key) => [new Date(Date.UTC(2026, 0, 1, 0, 0, 0, key)), String(run)],
        amount: "amount",
        note: "note's $1",
    }),
];

const draft: fc.Arbitrary<Draft> = fc.record({
    baseline: fc.uniqueArray(fc.nat(2)),
    transactions: fc.array(
        fc.array(fc.record({ key: fc.nat(2), remove: fc.boolean(), value: fc.nat(9) }), {
            minLength: 1,
            maxLength: 5,
        }),
        { minLength: 1, maxLength: 8 },
    ),
    positions: fc.constantFrom("per change", "per commit"),
    form: fc.constantFrom("plain", "dotted", "mixed"),
    races: fc.boolean(),
    sameTime: fc.boolean(),
});

const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
        group: fc.integer({ min: 1, max: 4 }),
        lost: fc.boolean(),
        back: fc.nat(8),
        restartSequence: fc.boolean(),
        split: fc.nat(3),
    }),
    { maxLength: 6 },
);

/**
 * Where all changes of a transaction have one position, and a stop comes between its parts, nothing tells a change from the
 * replay of one that left the row the same: see docs/guarantees.md. No transaction is split then.
 */
function tellable(drafted: Draft, stepped: readonly Step[]): Step[] {
    const stops = stepped.some(({ back, lost }) => back > 0 || lost);
    return drafted.positions === "per commit" && stops
        ? stepped.map((step) => ({ ...step, split: 0 }))
        : [...stepped];
}

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
    insertConflict: fc.constantFrom("LOG_ERROR", "INSERT_RECORD"),
    updateConflict: fc.constantFrom("LOG_ERROR", "UPDATE_RECORD"),
    deleteImage: fc.constantFrom("keep", "null"),
    lob: fc.constantFrom("inline", "second step", "second step with headers"),
});

describe("the log, whatever DMS does on the way", () => {
    let trail: Trail;
    let runs = 0;
    let lastGap = "0";
    let lastUnlogged = "0";

    before(async function () {
        this.timeout(60_000);
        trail = await trailServer(TARGETS.map((target) => target(0).definition));
    });

    after(async () => {
        await trail.stop();
    });

    for (const [index, makeTarget] of TARGETS.entries()) {
        it(`equals the source's history (table ${index + 1})`, async function () {
            this.timeout(240_000);
            await fc.assert(
                fc.asyncProperty(draft, steps, behaviour, async (drafted, stepped, behaving) => {
                    runs += 1;
                    const history = historyOf(drafted);
                    const target = makeTarget(runs);
                    await ledger();
                    const told = tellable(drafted, stepped);
                    await deliver(trail.dms, target, history, told, behaving);
                    await check(target, history);
                }),
                { numRuns: 150 },
            );
        });
    }

    /** What the two ledgers have got since the last call. */
    async function ledger(): Promise<unknown[]> {
        const gaps = await trail.master.query<{ gap_id: string }>(
            "SELECT gap_id, kind, detail FROM audit_trail.gap WHERE gap_id > $1 ORDER BY gap_id",
            [lastGap],
        );
        lastGap = gaps.rows.at(-1)?.gap_id ?? lastGap;
        const unlogged = await trail.master.query<{ unlogged_id: string }>(
            "SELECT unlogged_id, message, new_row FROM audit_trail.unlogged_change WHERE unlogged_id > $1 ORDER BY 1",
            [lastUnlogged],
        );
        lastUnlogged = unlogged.rows.at(-1)?.unlogged_id ?? lastUnlogged;
        return [...gaps.rows, ...unlogged.rows];
    }

    async function check(target: Target, history: History): Promise<void> {
        const { definition } = target;
        const names = trailNames(definition);
        const qualified = (name: string): string =>
            `${escapeIdentifier(definition.schema)}.${escapeIdentifier(name)}`;
        const keys = [0, 1, 2].map((key) => target.keyOf(key));
        const image = (key: number, values: Values | undefined): unknown =>
            values === undefined ? null : imageOf(target, key, values);

        const logged = await trail.master.query<Record<string, unknown>>(
            `SELECT operation, row_key, old_row_data, new_row_data,
                    to_char(commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS at, stream_position
                FROM ${qualified(names.auditLog)} WHERE row_key = ANY ($1) ORDER BY audit_id`,
            [keys.map((_, key) => keyImage(target, key))],
        );
        assert.deepEqual(
            logged.rows,
            history.expected.map((row) => ({
                operation: row.operation,
                row_key: keyImage(target, row.key),
                old_row_data: image(row.key, row.before),
                new_row_data: image(row.key, row.after),
                at: row.commitTimestamp,
                stream_position: row.position,
            })),
        );

        const where = definition.primaryKey
            .map((name, i) => `${escapeIdentifier(name)} = $${i + 1}`)
            .join(" AND ");
        for (const [key, values] of keys.entries()) {
            const staged = await trail.master.query<{ row: Record<string, unknown> }>(
                `SELECT to_jsonb(s.*) - '{${HEADER_COLUMNS.join(",")}}'::text[] AS row
                    FROM ${qualified(names.staging)} AS s WHERE ${where}`,
                [...values],
            );
            assert.deepEqual(
                staged.rows.map(({ row }) => row),
                [image(key, history.final.get(key))].filter((row) => row !== null),
            );
        }
        assert.deepEqual(await ledger(), []);
    }
});

function keyImage(target: Target, key: number): Record<string, unknown> {
    return Object.fromEntries(
        target.definition.primaryKey.map((name, i) => {
            const value = target.keyOf(key)[i];
            return [
                name,
                value instanceof Date ? value.toISOString().replace(/\.?0*Z$/u, "+00:00") : value,
            ];
        }),
    );
}

function imageOf(target: Target, key: number, values: Values): Record<string, unknown> {
    const blank = Object.fromEntries(target.definition.columns.map(({ name }) => [name, null]));
    return {
        ...blank,
        ...keyImage(target, key),
        [target.amount]: Number(values.amount),
        [target.note]: values.note,
    };
}
