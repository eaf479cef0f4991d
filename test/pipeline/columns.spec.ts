import assert from "node:assert/strict";

import type { Client } from "pg";

import type { ColumnChoice, TableChoices } from "../../components/trail/columnChoices";
import { readTables } from "../../verify/tables";
import type { TableReport } from "../../verify/report";
import { verifyTrail } from "../../verify/verifyTrail";
import { Pipeline } from "./support/pipeline";
import { MortalServer } from "./support/server";
import { readComplaints, readLog } from "./support/trailReader";

const FILM = { schema: "public", table: "film" };
const DDL =
    "CREATE TYPE rating AS ENUM ('G', 'PG-13', 'ä \"q\", \\'); CREATE TYPE pair AS (a integer, b text); " +
    `CREATE TABLE film (
        id integer,
        edition rating,
        title varchar(50),
        secret varchar(40) DEFAULT 'top',
        fulltext tsvector GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED,
        rated rating,
        ratings rating[],
        home inet,
        duo pair,
        words tsvector,
        span int4range,
        place point,
        PRIMARY KEY (id, edition)
    ); ` +
    `INSERT INTO film (id, edition, title, secret, rated, ratings, home, duo, words, span, place) VALUES
        (1, 'G', 'Loaded', 's1', 'PG-13', '{G,NULL,"ä \\"q\\", \\\\"}', '10.0.0.1', (1, 'a "b", c'), 'fat:1A cat:2', '[1,5)', '(0.1,-2)'),
        (2, 'ä "q", \\', NULL, NULL, 'ä "q", \\', '{}', '10.0.0.0/8', (NULL, NULL), '', 'empty', '(NaN,Infinity)'),
        (3, 'PG-13', 'Gone', 's3', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`;

const EXCLUDE: ColumnChoice = { kind: "exclude", reason: "personal data" };
const TEXT: ColumnChoice = { kind: "asText" };
const AS_TEXT = ["edition", "rated", "ratings", "home", "duo", "words", "span", "place"];

function choices(excluded: readonly string[]): TableChoices[] {
    const columns = [
        ...excluded.map((name) => ({ name, choice: EXCLUDE })),
        ...AS_TEXT.map((name) => ({ name, choice: TEXT })),
    ];
    return [{ ...FILM, columns }];
}

/** Columns that DMS cannot carry, or is not meant to, from their first load to the end of their exclusion. */
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
            choices: choices(["fulltext"]),
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
                guardsExpected: false,
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
        await write(`UPDATE film SET title = 'New', rated = 'G', home = '::1' WHERE id = 1`);
        await write("DELETE FROM film WHERE id = 3");
        const rows = await images();
        const last = rows.at(-2);
        assert.deepEqual(last, {
            id: 1,
            edition: "G",
            title: "New",
            secret: "s1",
            rated: "G",
            ratings: '{G,NULL,"ä \\"q\\", \\\\"}',
            home: "::1",
            duo: '(1,"a ""b"", c")',
            words: "'cat':2 'fat':1A",
            span: "[1,5)",
            place: "(0.1,-2)",
        });
        assert.ok(!(await stagingColumns()).includes("fulltext"));
        assert.deepEqual(await readComplaints(trail), []);
        const found = await report();
        assert.ok(found.complete, JSON.stringify(found));
        assert.match(JSON.stringify(found.checks), /without fulltext \(excluded: personal data\)/u);
    });

    it("tells verify of a text that is not the source's", async () => {
        const set = (rated: string): string =>
            "ALTER TABLE film_staging DISABLE TRIGGER log_change; " +
            `UPDATE film_staging SET rated = '${rated}' WHERE id = 1; ` +
            "ALTER TABLE film_staging ENABLE ALWAYS TRIGGER log_change";
        await trail.query(set("g"));
        const { differences, complete } = await report();
        await trail.query(set("G"));
        assert.equal(complete, false);
        assert.match(JSON.stringify(differences), /log and staging differ/u);
    });

    it("ends a column in log, staging and registry when it is excluded later", async () => {
        await task.choose(choices(["fulltext", "secret"]));
        await write("UPDATE film SET secret = 'hidden', title = 'Newer' WHERE id = 1");
        assert.ok(!(await stagingColumns()).includes("secret"));
        const log = await readLog(trail, FILM);
        assert.ok(!JSON.stringify(log).includes("hidden"));
        assert.ok(!("secret" in ((await images()).at(-1) ?? { secret: 1 })));
        const { rows } = await trail.query(
            `SELECT name, excluded_because, present_from < gone_since AS was_there, gone_since > '-infinity' AS since
                FROM audit_trail.audited_column WHERE table_name = 'film' AND excluded_because IS NOT NULL ORDER BY name`,
        );
        const because = "personal data";
        assert.deepEqual(rows, [
            { name: "fulltext", excluded_because: because, was_there: false, since: false },
            { name: "secret", excluded_because: because, was_there: true, since: true },
        ]);
        const { rows: gaps } = await trail.query(
            "SELECT detail -> 'excluded' AS excluded FROM audit_trail.gap WHERE kind = 'shape change' AND table_name = 'film'",
        );
        assert.deepEqual(gaps, [{ excluded: { secret: because } }]);
        const found = await report();
        assert.ok(found.complete, JSON.stringify(found));
        assert.match(
            JSON.stringify(found.checks),
            /secret \(excluded since 20[0-9TZ:-]+: personal/u,
        );
    });

    it("does not call the trail complete when an exclusion has ended", async () => {
        await task.choose(choices(["fulltext"]));
        const { rows: gaps } = await trail.query(
            `SELECT from_timestamp < to_timestamp AS "between", detail
                FROM audit_trail.gap WHERE kind = 'column not audited'`,
        );
        assert.deepEqual(gaps, [
            { between: true, detail: { excluded_because: { secret: "personal data" } } },
        ]);
        const before = await report();
        assert.equal(before.complete, false);
        assert.match(JSON.stringify(before.differences), /different row.*columns: secret/u);
        assert.match(JSON.stringify(before.checks), /1 x column not audited/u);

        await write("UPDATE film SET secret = secret || '!' WHERE id = 1");
        assert.equal((await images()).at(-1)?.secret, "hidden!");
        const after = await report();
        assert.deepEqual(after.differences, []);
        assert.equal(after.complete, false);
    });
});
