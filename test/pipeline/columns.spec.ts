import assert from "node:assert/strict";
import type { Client } from "pg";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { readComplaints, readLog } from "../../testing/pipeline/trailReader";
import { run } from "../../testing/trailDatabase";
import type { ColumnChoice, TableChoices } from "../../trail/columnChoices";
import { guardFiles, limitCheckFiles } from "../../trail/guards";
import { readTables } from "../../verify/readTables";
import type { TableReport } from "../../verify/report";
import { verifyTrail } from "../../verify/verifyTrail";

const FILM = { schema: "public", table: "film" };
const DDL =
    "CREATE TYPE rating AS ENUM ('G', 'PG-13', 'ä \"q\", \\'); CREATE TYPE pair AS (a integer, b text); " +
    `CREATE TABLE film (
        id integer,
        edition rating,
        title varchar(50),
        operation varchar(40) DEFAULT 'top',
        commit_timestamp tsvector GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED,
        stream_position rating,
        ratings rating[],
        home inet,
        duo pair,
        words tsvector,
        span int4range,
        place point,
        amount numeric,
        note varchar,
        PRIMARY KEY (id, edition)
    ); ` +
    `INSERT INTO film (id, edition, title, operation, stream_position, ratings, home, duo, words, span, place, amount, note) VALUES
        (1, 'G', 'Loaded', 's1', 'PG-13', '{G,NULL,"ä \\"q\\", \\\\"}', '10.0.0.1', (1, 'a "b", c'), 'fat:1A cat:2', '[1,5)', '(0.1,-2)', 1.5, 'é'),
        (2, 'ä "q", \\', NULL, NULL, 'ä "q", \\', '{}', '10.0.0.0/8', (NULL, NULL), '', 'empty', '(NaN,Infinity)', -9999999999999999999999.999999, ''),
        (3, 'PG-13', 'Gone', 's3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`;

const EXCLUDE: ColumnChoice = { kind: "exclude", reason: "personal data" };
const TEXT: ColumnChoice = { kind: "asText" };
const AS_TEXT = ["edition", "stream_position", "ratings", "home", "duo", "words", "span", "place"];

const LIMITS: TableChoices["columns"] = [
    {
        name: "amount",
        choice: { kind: "limit", limit: { type: "numeric", precision: 28, scale: 6 } },
    },
    { name: "note", choice: { kind: "limit", limit: { type: "varchar", length: 2000 } } },
];

function choices(excluded: readonly string[]): TableChoices[] {
    const columns = [
        ...excluded.map((name) => ({ name, choice: EXCLUDE })),
        ...AS_TEXT.map((name) => ({ name, choice: TEXT })),
        ...LIMITS,
    ];
    return [{ ...FILM, columns }];
}

/**
 * Columns that DMS cannot carry, or is not meant to, from their first load to the end of their exclusion. Some are called as
 * those of DMS in staging are but for their prefix.
 */
describe("columns with a choice", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
    let writer: Client;
    let trail: Client;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
        task = await Pipeline.deploy(source, audit, {
            name: "columns",
            tables: [FILM],
            ddl: DDL,
            choices: choices(["commit_timestamp"]),
            guards: { truncate: "refuse", keyUpdate: "refuse" },
        });
        writer = await task.sourceSession();
        trail = await task.auditSession();
        await task.start();
    });
    after(async () => {
        try {
            await task.close();
        } finally {
            await audit.stop();
            await source.stop();
        }
    });

    async function write(sql: string): Promise<void> {
        await writer.query(sql);
        await task.caughtUp(writer, trail);
    }

    /** As the command does it: the columns from the source's catalog, the choices from the registry. */
    async function report(): Promise<TableReport> {
        const [reader, session] = [await task.sourceSession(), await task.verifySession()];
        try {
            const subject = await readTables(reader, session, [FILM]);
            const { tables } = await verifyTrail(reader, session, subject, {
                guardsExpected: true,
            });
            const [table] = tables;
            assert.ok(table !== undefined);
            return table;
        } finally {
            await session.end();
        }
    }

    async function stagingColumns(): Promise<string[]> {
        const { rows } = await trail.query<{ name: string }>(
            "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'film_staging'::regclass AND attnum > 0 AND NOT attisdropped",
        );
        return rows.map(({ name }) => name);
    }

    async function images(): Promise<Record<string, unknown>[]> {
        return (await readLog(trail, FILM)).map(
            ({ after }) => JSON.parse(after ?? "{}") as Record<string, unknown>,
        );
    }

    it("carries the text of what is asText, and leaves out what is excluded", async () => {
        await write(
            `UPDATE film SET title = 'New', stream_position = 'G', home = '::1' WHERE id = 1`,
        );
        await write("DELETE FROM film WHERE id = 3");
        const rows = await images();
        const last = rows.at(-2);
        assert.deepEqual(last, {
            id: 1,
            edition: "G",
            title: "New",
            operation: "s1",
            stream_position: "G",
            ratings: '{G,NULL,"ä \\"q\\", \\\\"}',
            home: "::1",
            duo: '(1,"a ""b"", c")',
            words: "'cat':2 'fat':1A",
            span: "[1,5)",
            place: "(0.1,-2)",
            amount: 1.5,
            note: "é",
        });
        assert.ok(!(await stagingColumns()).includes("commit_timestamp"));
        assert.deepEqual(await readComplaints(trail), []);
        const found = await report();
        assert.ok(found.complete, JSON.stringify(found));
        assert.deepEqual(found.notes, ["without commit_timestamp (excluded: personal data)"]);
    });

    it("keeps to declared limits, which a guard at the source holds", async () => {
        const refused: readonly [column: string, value: string][] = [
            ["amount", "0.1234567"],
            ["amount", "10000000000000000000000"],
            ["amount", "-10000000000000000000000"],
            ["amount", "'NaN'"],
            ["amount", "'Infinity'"],
            ["amount", "'-Infinity'"],
            ["note", "repeat('x', 2001)"],
        ];
        for (const [column, value] of refused) {
            await assert.rejects(
                writer.query(`UPDATE film SET ${column} = ${value} WHERE id = 1`),
                /a value is beyond the limit with which the table is audited \(amount numeric\(28,6\), note character varying\(2000\)\)/u,
            );
            await assert.rejects(
                writer.query(`INSERT INTO film (id, edition, ${column}) VALUES (9, 'G', ${value})`),
                /beyond the limit/u,
            );
        }
        await writer.query("UPDATE film SET amount = 9999999999999999999999.999999 WHERE id = 1");
        await writer.query("UPDATE film SET amount = 0.000001 WHERE id = 1");
        await writer.query("UPDATE film SET amount = 1.50000000000000000000 WHERE id = 1");
        await write("UPDATE film SET note = repeat('😀', 2000) WHERE id = 1");
        const { rows } = await trail.query(
            `SELECT new_row_data ->> 'amount' AS amount, length(new_row_data ->> 'note') AS length
                FROM film_audit_log ORDER BY audit_id DESC LIMIT 4`,
        );
        assert.deepEqual(rows.reverse(), [
            { amount: "9999999999999999999999.999999", length: 1 },
            { amount: "0.000001", length: 1 },
            { amount: "1.500000", length: 1 },
            { amount: "1.500000", length: 2000 },
        ]);
        const found = await report();
        assert.ok(found.complete, JSON.stringify(found));
        // What a BEFORE trigger makes of a row is what counts.
        await writer.query(
            "CREATE FUNCTION raise_amount() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.amount := 0.1234567; RETURN NEW; END'; " +
                "CREATE TRIGGER z BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION raise_amount()",
        );
        await assert.rejects(writer.query("UPDATE film SET title = 'x'"), /beyond the limit/u);
        await writer.query("DROP TRIGGER z ON film");
    });

    it("do not begin with values beyond their limits, and miss their guard", async () => {
        const [definition] = task.definitions;
        assert.ok(definition !== undefined);
        await run(writer, limitCheckFiles(definition));
        const guard = "audit_trail_refuse_over_limit";
        await writer.query(
            `ALTER TABLE film DISABLE TRIGGER ${guard}; UPDATE film SET amount = 0.1234567 WHERE id = 1`,
        );
        await assert.rejects(
            run(writer, limitCheckFiles(definition)),
            /public\.film has values beyond the limit that the config key columns declares \(amount/u,
        );
        await task.caughtUp(writer, trail);
        // The look runs with the rights of whoever deploys.
        await writer.query(`
            CREATE FUNCTION planted() RETURNS numeric LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $$;
            ALTER TABLE film RENAME TO film_aside;
            CREATE VIEW film AS SELECT id, public.planted() AS amount FROM film_aside`);
        await assert.rejects(
            run(writer, limitCheckFiles(definition)),
            /film" is not a plain table/u,
        );
        await writer.query(
            "DROP VIEW film; ALTER TABLE film_aside RENAME TO film; DROP FUNCTION planted()",
        );
        const disabled = await report();
        assert.match(JSON.stringify(disabled.differences), /different row.*columns: amount/u);
        assert.match(
            JSON.stringify(disabled.checks),
            /audit_trail_refuse_over_limit is not ENABLE/u,
        );
        await writer.query(`DROP TRIGGER ${guard} ON film`);
        await write("UPDATE film SET amount = 0.123457 WHERE id = 1");
        const dropped = await report();
        assert.deepEqual(dropped.differences, []);
        assert.match(
            JSON.stringify(dropped.checks),
            /no guard of the declared limits of amount, note/u,
        );
        await run(
            writer,
            guardFiles(definition, { truncate: "refuse", keyUpdate: "refuse" }, false),
        );
        assert.ok((await report()).complete);
    });

    it("runs no cast that the owner of a type has made, when verify reads the source", async () => {
        // The reader may write anything: whoever owns the type would have its rights, and could hide what the table has.
        const casts = [
            ["rating", "json"],
            ["rating", "text"],
            ["text", "rating"],
            ["rating[]", "text"],
            ["pair", "text"],
        ].map(([from = "", to = ""], at) => [
            `CREATE FUNCTION planted_${at}(${from}) RETURNS ${to} LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION ''planted code runs as %'', current_user; END'`,
            `CREATE CAST (${from} AS ${to}) WITH FUNCTION planted_${at}(${from})`,
            `DROP FUNCTION planted_${at}(${from}) CASCADE`,
        ]);
        await writer.query(casts.flatMap((sql) => sql.slice(0, 2)).join("; "));
        const whole = await report();
        // With a row to look up by its key.
        await trail.query(
            "ALTER TABLE film_staging DISABLE TRIGGER log_change; UPDATE film_staging SET title = 'forged' WHERE id = 1",
        );
        const forged = await report();
        await trail.query(
            "UPDATE film_staging SET title = 'New' WHERE id = 1; ALTER TABLE film_staging ENABLE ALWAYS TRIGGER log_change",
        );
        await writer.query(casts.map(([, , drop]) => drop).join("; "));
        assert.ok(whole.complete, JSON.stringify(whole));
        assert.doesNotMatch(JSON.stringify(forged), /planted code/u);
        assert.match(JSON.stringify(forged.differences), /log and staging differ/u);
    });

    it("tells verify of a text that is not the source's", async () => {
        const set = (stream_position: string): string =>
            "ALTER TABLE film_staging DISABLE TRIGGER log_change; " +
            `UPDATE film_staging SET stream_position = '${stream_position}' WHERE id = 1; ` +
            "ALTER TABLE film_staging ENABLE ALWAYS TRIGGER log_change";
        await trail.query(set("g"));
        const { differences, complete } = await report();
        await trail.query(set("G"));
        assert.equal(complete, false);
        assert.match(JSON.stringify(differences), /log and staging differ/u);
    });

    it("ends a column in log, staging and registry when it is excluded later", async () => {
        await task.choose(choices(["commit_timestamp", "operation"]));
        await write("UPDATE film SET operation = 'hidden', title = 'Newer' WHERE id = 1");
        assert.ok(!(await stagingColumns()).includes("operation"));
        const log = await readLog(trail, FILM);
        assert.ok(!JSON.stringify(log).includes("hidden"));
        assert.ok(!("operation" in ((await images()).at(-1) ?? { operation: 1 })));
        const { rows } = await trail.query(
            `SELECT name, excluded_because, present_from < gone_since AS was_there, gone_since > '-infinity' AS since
                FROM audit_trail.audited_column WHERE table_name = 'film' AND excluded_because IS NOT NULL ORDER BY name`,
        );
        const because = "personal data";
        assert.deepEqual(rows, [
            { name: "commit_timestamp", excluded_because: because, was_there: false, since: false },
            { name: "operation", excluded_because: because, was_there: true, since: true },
        ]);
        const { rows: gaps } = await trail.query(
            "SELECT detail -> 'excluded' AS excluded FROM audit_trail.gap WHERE kind = 'shape change' AND table_name = 'film'",
        );
        assert.deepEqual(gaps, [{ excluded: { operation: because } }]);
        const found = await report();
        assert.ok(found.complete, JSON.stringify(found));
        assert.match(String(found.notes), /operation \(excluded since 20[0-9TZ:-]+: personal/u);
    });

    it("does not call the trail complete when an exclusion has ended", async () => {
        await task.choose(choices(["commit_timestamp"]));
        const { rows: gaps } = await trail.query(
            `SELECT from_timestamp < to_timestamp AS "between", detail
                FROM audit_trail.gap WHERE kind = 'column not audited'`,
        );
        assert.deepEqual(gaps, [
            { between: true, detail: { excluded_because: { operation: "personal data" } } },
        ]);
        const before = await report();
        assert.equal(before.complete, false);
        assert.match(JSON.stringify(before.differences), /different row.*columns: operation/u);
        assert.match(JSON.stringify(before.checks), /1 x column not audited/u);

        await write("UPDATE film SET operation = operation || '!' WHERE id = 1");
        assert.equal((await images()).at(-1)?.operation, "hidden!");
        const after = await report();
        assert.deepEqual(after.differences, []);
        assert.equal(after.complete, false);
    });
});
