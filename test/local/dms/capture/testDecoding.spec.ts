import assert from "node:assert/strict";
import fc from "fast-check";
import { type Client, escapeIdentifier } from "pg";
import {
    type Change,
    parseMessage,
    tablesOf,
    UNCHANGED,
} from "../../../../local/dms/capture/testDecoding";
import { type ScratchServer, scratchServer } from "../../../../testing/postgres";
import { connectTo, rowsOf } from "../support";

const TYPES = [
    "text",
    "integer",
    "bigint",
    "boolean",
    "numeric(20,4)",
    "double precision",
    "timestamptz",
    "bytea",
    "jsonb",
    "text[]",
    "bit varying",
    "uuid",
    '"odd]: type"',
] as const;

/** A value as SQL text input for each type. */
const VALUES: Readonly<Record<(typeof TYPES)[number], fc.Arbitrary<string>>> = {
    text: fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom(
            "null",
            "unchanged-toast-datum",
            "' new-tuple: x[text]:'",
            "''",
            "a\n\r\t\\b",
            '"',
        ),
    ),
    integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String),
    bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    boolean: fc.boolean().map(String),
    "numeric(20,4)": fc.oneof(
        fc.integer().map((n) => `${n}.25`),
        fc.constant("NaN"),
    ),
    "double precision": fc.oneof(fc.double().map(String), fc.constantFrom("Infinity", "NaN")),
    timestamptz: fc.constantFrom(
        "infinity",
        "2026-01-02 03:04:05.678901+00",
        "0044-03-15 00:00:00+00 BC",
    ),
    bytea: fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString("hex")}`),
    jsonb: fc.json().filter((json) => !json.includes("\\u0000")),
    "text[]": fc.constantFrom("{}", '{a,"b c",NULL,"q\\"]:\'"}', "{{1,2},{3,4}}"),
    "bit varying": fc.string({ unit: fc.constantFrom("0", "1") }),
    uuid: fc.uuid(),
    '"odd]: type"': fc.constantFrom("a", "b c"),
};

const nameArbitrary = fc
    .string({
        unit: fc.constantFrom("a", "B", "_", "1", " ", '"', ".", ":", "[", "]", "'", "-", "ü"),
        minLength: 1,
        maxLength: 20,
    })
    .filter((name) => Buffer.byteLength(name) < 60);

const columnArbitrary = fc.constantFrom(...TYPES).chain((type) =>
    fc.record({
        name: nameArbitrary,
        type: fc.constant(type),
        before: fc.option(VALUES[type]),
        after: fc.option(VALUES[type]),
    }),
);

const caseArbitrary = fc.record({
    schema: nameArbitrary.filter((name) => !name.startsWith("pg_")),
    table: nameArbitrary,
    columns: fc.uniqueArray(columnArbitrary, {
        selector: ({ name }) => name,
        minLength: 1,
        maxLength: 6,
    }),
    full: fc.boolean(),
});

describe("local/dms/capture/testDecoding", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let client: Client;

    before(async () => {
        // A slot gives what has reached the disk.
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        client = await connectTo(server, "postgres");
        await client.query("SELECT pg_create_logical_replication_slot('parser', 'test_decoding')");
        await client.query(`CREATE TYPE "odd]: type" AS ENUM ('a', 'b c')`);
        await client.query("SET timezone = 'UTC'; SET bytea_output = 'hex'");
    });
    after(async () => {
        await client.end();
        await server.stop();
    });

    async function messages(): Promise<readonly string[]> {
        const rows = await rowsOf(
            client,
            "SELECT data FROM pg_logical_slot_get_changes('parser', NULL, NULL, 'include-xids', 'off', 'include-timestamp', 'on', 'skip-empty-xacts', 'on')",
        );
        return rows.map(([data]) => String(data));
    }

    /** What the server itself prints for each column, in test_decoding's spelling of booleans. */
    async function printed(table: string): Promise<ReadonlyMap<string, string | null>> {
        const result = await client.query<(string | null)[]>({
            text: `SELECT * FROM ${table}`,
            rowMode: "array",
            types: { getTypeParser: () => (text: unknown) => text },
        });
        return new Map(
            result.fields.map(({ name, dataTypeID }, at) => {
                const value = result.rows[0]?.[at] ?? null;
                return [name, dataTypeID === 16 && value !== null ? String(value === "t") : value];
            }),
        );
    }

    function valuesOf(columns: Change["columns"]): ReadonlyMap<string, unknown> {
        return new Map(columns?.map(({ name, value }) => [name, value]));
    }

    it("reads back every change that a server prints", async () => {
        await fc.assert(
            fc.asyncProperty(caseArbitrary, async ({ schema, table, columns, full }) => {
                const name = `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
                const list = (
                    form: (column: (typeof columns)[number], at: number) => string,
                ): string => columns.map(form).join(", ");
                await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`);
                await client.query(
                    `CREATE TABLE ${name} (${list((c) => `${escapeIdentifier(c.name)} ${c.type}`)})`,
                );
                try {
                    await client.query(
                        `ALTER TABLE ${name} REPLICA IDENTITY ${full ? "FULL" : "DEFAULT"}`,
                    );
                    const places = list((c, at) => `$${at + 1}::${c.type}`);
                    await client.query(
                        `INSERT INTO ${name} VALUES (${places})`,
                        columns.map((c) => c.before),
                    );
                    const before = await printed(name);
                    await client.query(
                        `UPDATE ${name} SET ${list((c, at) => `${escapeIdentifier(c.name)} = $${at + 1}::${c.type}`)}`,
                        columns.map((c) => c.after),
                    );
                    const after = await printed(name);
                    await client.query(`DELETE FROM ${name}; TRUNCATE ${name}`);
                    const texts = (await messages()).filter((text) => text.startsWith("table "));
                    for (const text of texts) {
                        assert.deepEqual(tablesOf(text), [{ schema, table }]);
                    }
                    const [inserted, updated, deleted, truncated] = texts.map(parseMessage);
                    assert.ok(inserted?.kind === "change" && inserted.operation === "insert");
                    assert.ok(updated?.kind === "change" && updated.operation === "update");
                    assert.ok(deleted?.kind === "change" && deleted.operation === "delete");
                    assert.equal(truncated?.kind, "truncate");
                    assert.deepEqual(valuesOf(inserted.columns), before);
                    assert.deepEqual(valuesOf(updated.columns), after);
                    const known = (row: ReadonlyMap<string, string | null>) =>
                        new Map([...row].filter(([, value]) => value !== null));
                    assert.deepEqual(valuesOf(updated.oldKey), full ? known(before) : new Map());
                    assert.deepEqual(valuesOf(deleted.columns), full ? known(after) : new Map());
                } finally {
                    await client.query(`DROP TABLE ${name}`);
                    await messages();
                }
            }),
            { numRuns: 60 },
        );
    });

    it("tells an unchanged TOAST value, key changes, several truncated tables and commit times", async () => {
        await client.query(
            "CREATE TABLE big (id integer PRIMARY KEY, body text); CREATE TABLE small (id integer)",
        );
        await client.query("ALTER TABLE big ALTER body SET STORAGE EXTERNAL");
        await client.query("INSERT INTO big VALUES (1, repeat('x', 9000))");
        await messages();
        await client.query("UPDATE big SET id = 2");
        await client.query("TRUNCATE big, small");
        const parsed = (await messages()).map(parseMessage);
        assert.deepEqual(
            parsed.map(({ kind }) => kind),
            ["begin", "change", "commit", "begin", "truncate", "commit"],
        );
        assert.deepEqual(parsed[1], {
            kind: "change",
            operation: "update",
            table: { schema: "public", table: "big" },
            oldKey: [{ name: "id", type: "integer", value: "1" }],
            columns: [
                { name: "id", type: "integer", value: "2" },
                { name: "body", type: "text", value: UNCHANGED },
            ],
        });
        assert.deepEqual(parsed[4], {
            kind: "truncate",
            tables: [
                { schema: "public", table: "big" },
                { schema: "public", table: "small" },
            ],
        });
    });

    it("refuses what test_decoding never prints", () => {
        for (const text of [
            "",
            "BEGIN 12",
            "COMMIT",
            "table public.t: INSERT: a[integer]:",
            "table public.t: INSERT: a[integer:1",
            "table public.t: INSERT: a[text]:'x",
            "table public.t: MERGE: a[integer]:1",
            "table public.t: INSERT: a[integer]:1 ",
            "table t: INSERT: a[integer]:1",
        ]) {
            assert.throws(() => parseMessage(text), /Unexpected output of test_decoding/, text);
        }
    });
});
