import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { escapeIdentifier } from "pg";
import { withBrokenValues } from "../../testing/brokenValues";
import { until } from "../../testing/until";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import {
    HEADER_COLUMNS,
    isReserved,
    PARTITION_COLUMN,
    RESERVED_PREFIX,
} from "../../trail/headerColumns";
import { formatTableName, trailNames } from "../../trail/names";
import type { TableName } from "../../trail/tableDefinition";
import { readTables } from "../../verify/readTables";
import { verifyTrail } from "../../verify/verifyTrail";

const ROOT = path.resolve(__dirname, "../..");
/** What PostgreSQL itself forbids, and what each table has besides. */
const FORBIDDEN = [...["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"], "id", "note"];
const COLUMNS_PER_TABLE = 1_000;
const LONG = `${"é".repeat(31)}x`;

/** Every word of the scripts and of what verify writes: aliases, variables, parameters, columns, functions, key words. */
function ownWords(): string[] {
    const scripts = readdirSync(path.join(ROOT, "sql"), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".sql"))
        .map((file) => path.join("sql", file));
    const words = new Set<string>();
    for (const file of [
        ...scripts,
        "verify/sqlExpressions.ts",
        "trail/statements.ts",
        "trail/logFunction.ts",
    ]) {
        const text = readFileSync(path.join(ROOT, file), "utf8").replaceAll(/--.*$/gmu, "");
        for (const [word] of text.toLowerCase().matchAll(/[a-z_][a-z0-9_]*/gu)) {
            words.add(word);
        }
    }
    return [...words]
        .filter((word) => word.length <= 63 && !FORBIDDEN.includes(word) && !isReserved(word))
        .sort();
}

/** A table, and the values of its rows but for the key and the note. */
interface Subject {
    readonly name: TableName;
    readonly keys: readonly string[];
    readonly others: readonly string[];
}

const WORDS = ownWords();
const NAMED_AFTER_WORDS: readonly Subject[] = Array.from(
    { length: Math.ceil(WORDS.length / COLUMNS_PER_TABLE) },
    (_, at) => ({
        name: { schema: "public", table: `words_${at}` },
        keys: ["id"],
        others: WORDS.slice(at * COLUMNS_PER_TABLE, (at + 1) * COLUMNS_PER_TABLE),
    }),
);
/** As many as an index can have, under the names that our SQL uses most. */
const KEYS: Subject = {
    name: { schema: "public", table: "new" },
    keys: "a b c d e f g h i j k l m n o p q r s t u v w x y z new old key row_key s1 remarks".split(
        " ",
    ),
    others: ["transaction_id", "audit_id"],
};
const ODD_COLUMNS = [
    ...['quo"te', "apos'trophe", "do.t", "bla nk", "CAPS", "😀", "(p)", "100%s", "%I", "$1", "$$"],
    ...[":name", ':"name"', ":'name'", "$function$", "{a,b}", "a,b", "@>", "Operation", "NULL"],
];
const ODD: readonly Subject[] = [
    {
        name: { schema: `Odd (1) ?s "q" \\`, table: `😀 ta.ble's "(2)" 100?I \\n \${x}` },
        keys: [`k"e'y.%I (1)`, LONG],
        others: ODD_COLUMNS,
    },
    { name: { schema: "t", table: LONG }, keys: ["t"], others: ["s"] },
    { name: { schema: "public", table: "operation" }, keys: ["Key"], others: ["OLD"] },
];
/** As staging's columns of DMS are called but for their prefix, and as the log's own. */
const UNPREFIXED = [...HEADER_COLUMNS, PARTITION_COLUMN].map((name) =>
    name.slice(RESERVED_PREFIX.length),
);
const HEADERS: Subject = {
    name: { schema: "public", table: "headers" },
    keys: ["operation", "change_seq"],
    others: ["stream_position", "commit_timestamp", "partition", "Operation", "audit_trail"],
};
const SUBJECTS = [...NAMED_AFTER_WORDS, KEYS, HEADERS, ...ODD];

function quoted({ schema, table }: TableName): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
}

const list = (names: readonly string[], what = ""): string =>
    names.map((name) => `${escapeIdentifier(name)}${what}`).join(", ");

function createTable({ name, keys, others }: Subject): string {
    return `CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(name.schema)};
        CREATE TABLE ${quoted(name)} (${list(keys, " smallint")}, ${list(others, " smallint")}, note text, PRIMARY KEY (${list(keys)}));
        ${insert({ name, keys, others }, 1)}; ${insert({ name, keys, others }, 2)}`;
}

function insert({ name, keys, others }: Subject, key: number): string {
    const values = [...keys.map(() => key), ...others.map((_, at) => at)];
    return `INSERT INTO ${quoted(name)} VALUES (${values.join(", ")}, 'new')`;
}

const where = ({ keys }: Subject, key: number): string =>
    keys.map((name) => `${escapeIdentifier(name)} = ${key}`).join(" AND ");

const keyOf = ({ keys }: Subject, key: number): string =>
    JSON.stringify(Object.fromEntries(keys.map((name) => [name, key])));

describe("names that are also those of our own SQL, or awkward", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            SUBJECTS.map(createTable).join(";\n"),
            SUBJECTS.map(({ name }) => name),
        );
    });
    after(async () => {
        await (world as World | undefined)?.close();
    });

    async function inEach(work: (subject: Subject) => Promise<void>): Promise<void> {
        for (const subject of SUBJECTS) {
            try {
                await work(subject);
            } catch (cause) {
                throw new Error(`${formatTableName(subject.name)}: ${String(cause)}`, { cause });
            }
        }
    }

    async function isComplete(): Promise<void> {
        const report = await world.verify();
        const findings = report.tables.map(({ differences, checks }) => [
            differences,
            checks.filter(({ ok }) => !ok),
        ]);
        assert.ok(report.complete, JSON.stringify([report.checks, findings]));
    }

    it("are enough to be worth it", () => {
        assert.ok(WORDS.length > 800);
        for (const word of [
            "t",
            "new",
            "old",
            "key",
            "known_position",
            "after_image",
            "new_ctid",
            ...UNPREFIXED,
        ]) {
            assert.ok(WORDS.includes(word), word);
        }
        assert.deepEqual(
            [...HEADERS.keys, ...HEADERS.others.slice(0, 3)].sort(),
            UNPREFIXED.sort(),
        );
    });

    it("are loaded, logged and verified", async () => {
        await inEach(async (subject) => {
            const { name, others } = subject;
            const [first = ""] = others;
            await world.source.query(insert(subject, 3));
            await world.source.query(
                `UPDATE ${quoted(name)} SET ${escapeIdentifier(first)} = -7, note = repeat('x', 9000) WHERE ${where(subject, 1)}`,
            );
            await world.source.query(`DELETE FROM ${quoted(name)} WHERE ${where(subject, 2)}`);
            await world.source.query(insert(subject, 2));
        });
        await isComplete();
    });

    it("are answered about", async () => {
        await inEach(async (subject) => {
            const { name, keys, others } = subject;
            const history = await world.trail.reader.query<{
                operation: string;
                new_row_data: object;
            }>("SELECT operation, new_row_data FROM audit_trail.row_history($1, $2, $3)", [
                name.schema,
                name.table,
                keyOf(subject, 2),
            ]);
            assert.deepEqual(
                history.rows.map(({ operation }) => operation),
                ["B", "D", "I"],
            );
            assert.deepEqual(
                Object.keys(history.rows[0]?.new_row_data ?? {}).sort(),
                [...keys, ...others, "note"].sort(),
            );
            const state = await world.trail.reader.query(
                "SELECT row_key FROM audit_trail.as_of($1, $2, now())",
                [name.schema, name.table],
            );
            assert.equal(state.rows.length, 3);
        });
        await world.trail.operator.query("CALL audit_trail.maintain()");
    });

    it("survive a row that DMS takes away and puts back, and one that it cannot log", async () => {
        const { dms, superuser, operator } = world.trail;
        await inEach(async (subject) => {
            const { staging } = trailNames(subject.name);
            const table = quoted({ ...subject.name, table: staging });
            await dms.query("BEGIN");
            await dms.query(
                `CREATE TEMP TABLE kept AS SELECT * FROM ${table} WHERE ${where(subject, 1)}`,
            );
            await dms.query(`DELETE FROM ${table} WHERE ${where(subject, 1)}`);
            await dms.query(`INSERT INTO ${table} SELECT * FROM kept`);
            await dms.query("DROP TABLE kept; COMMIT");
            await withBrokenValues(superuser, async () => {
                await world.source.query(
                    `UPDATE ${quoted(subject.name)} SET note = 'unlogged' WHERE ${where(subject, 3)}`,
                );
                await until(async () => {
                    const { rows } = await superuser.query(
                        "SELECT FROM audit_trail.unlogged_change WHERE table_schema = $1 AND table_name = $2",
                        [subject.name.schema, subject.name.table],
                    );
                    return rows.length === 1;
                }, 20_000);
            });
        });
        await operator.query(
            "SELECT audit_trail.bring_back(u.unlogged_id) FROM audit_trail.unlogged_change AS u",
        );
        await isComplete();
    });

    it("survive a reload", async () => {
        const loaded = async (log: string): Promise<number> =>
            (
                await world.trail.reader.query<{ n: number }>(
                    `SELECT count(*)::int AS n FROM ${log} WHERE operation = 'B'`,
                )
            ).rows[0]?.n ?? 0;
        await inEach(async ({ name: { schema, table } }) => {
            await world.trail.operator.query("SELECT audit_trail.begin_reload($1, $2)", [
                schema,
                table,
            ]);
        });
        writeFileSync(
            path.join(world.taskDir, "reload.json"),
            JSON.stringify(
                SUBJECTS.map(({ name }) => ({ SchemaName: name.schema, TableName: name.table })),
            ),
        );
        await inEach(async ({ name: { schema, table } }) => {
            const log = quoted({ schema, table: trailNames({ schema, table }).auditLog });
            await until(async () => (await loaded(log)) === 5, 20_000);
            const { rows } = await world.trail.operator.query<{ n: string }>(
                "SELECT audit_trail.end_reload($1, $2) AS n",
                [schema, table],
            );
            assert.deepEqual(rows, [{ n: "0" }]);
        });
        const report = await world.verify();
        for (const { name } of SUBJECTS) {
            const { differences, checks } = tableOf(report, formatTableName(name));
            assert.deepEqual(differences, []);
            assert.deepEqual(failedChecks({ checks }), ["gaps"]);
        }
    });

    it("survive columns that come, go and are renamed", async () => {
        await inEach(async ({ name, keys, others }) => {
            const [first = ""] = others;
            const header = UNPREFIXED.find((one) => ![...keys, ...others].includes(one));
            await world.alterSource(
                `ALTER TABLE ${quoted(name)} ADD COLUMN "Spät" smallint DEFAULT 5, DROP COLUMN note;
                 ALTER TABLE ${quoted(name)} RENAME COLUMN ${escapeIdentifier(first)} TO ${escapeIdentifier(header ?? 'n.e%w "c"')}`,
            );
        });
        await world.redeploy();
        await world.stopReplication();
        await world.resumeReplication();
        await inEach(async (subject) => {
            await world.source.query(
                `UPDATE ${quoted(subject.name)} SET "Spät" = 6 WHERE ${where(subject, 2)}`,
            );
        });
        const report = await world.verify();
        for (const { name } of SUBJECTS) {
            const { differences, checks } = tableOf(report, formatTableName(name));
            assert.deepEqual(differences, []);
            assert.deepEqual(failedChecks({ checks }), ["gaps"]);
        }
    });

    it("are none of the trail's own: a later one is told by verify and refused by a deployment", async () => {
        const { name } = HEADERS;
        const table = quoted(name);
        await world.source.query(
            `ALTER TABLE ${table} ADD COLUMN audit_trail_operation smallint, ADD COLUMN "Audit_Trail_x" smallint`,
        );
        await assert.rejects(
            world.alterSource(""),
            /"audit_trail_operation" of public\.headers has a name that begins with audit_trail_, [^]*"Audit_Trail_x"/u,
        );
        const [reader, session] = [await world.session(), await world.auditSession()];
        const report = await verifyTrail(
            reader,
            session,
            await readTables(reader, session, [name]),
            {
                markerTimeoutMs: 20_000,
            },
        );
        const { checks } = tableOf(report, formatTableName(name));
        const columns = checks.find((check) => check.name === "columns");
        assert.deepEqual(
            columns?.findings?.map((one) => one.split(", ")[0]),
            [
                "the source's column audit_trail_operation begins with audit_trail_",
                "the source's column Audit_Trail_x begins with audit_trail_",
            ],
        );
        await world.alterSource(
            `ALTER TABLE ${table} DROP COLUMN audit_trail_operation, DROP COLUMN "Audit_Trail_x"`,
        );
    });
});
