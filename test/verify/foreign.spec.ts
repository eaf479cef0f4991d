import assert from "node:assert/strict";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { trailNames } from "../../trail/names";
import { readTables } from "../../verify/readTables";
import { hasUnverified } from "../../verify/report";
import { verifyTrail } from "../../verify/verifyTrail";

const TABLES = ["first", "second"].map((table) => ({ schema: "public", table }));
const DDL = `
    CREATE FUNCTION public.spy() RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
    CREATE DOMAIN public.tag AS varchar(20);
    CREATE TABLE first (id public.tag PRIMARY KEY, v text, w public.tag);
    CREATE TABLE second (id integer PRIMARY KEY, v text);
    INSERT INTO first SELECT n, 'v', 'w' FROM generate_series(1, 20) AS n;
    INSERT INTO second SELECT n, 'v' FROM generate_series(1, 20) AS n;
`;

describe("verify reads what others own without lending them its rights:", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(DDL, TABLES);
    });
    after(async () => {
        await world.close();
    });

    it("a view under a table's name, which silences no other table", async () => {
        await world.source.query(
            "ALTER TABLE second RENAME TO hidden; CREATE VIEW second AS SELECT id, v FROM hidden WHERE public.spy()",
        );
        const report = await world.verify();
        await world.source.query("DROP VIEW second; ALTER TABLE hidden RENAME TO second");
        assert.ok(tableOf(report, "public.first").complete);
        const [check] = tableOf(report, "public.second").checks.filter(({ ok }) => !ok);
        assert.match(check?.detail ?? "", /plain table|not a table/u);
        assert.doesNotMatch(JSON.stringify(report), /planted code/u);
        assert.ok((await world.verify()).complete);
    });

    it("the condition of a domain", async () => {
        await world.source.query(
            "ALTER DOMAIN public.tag ADD CONSTRAINT spy CHECK (public.spy()) NOT VALID",
        );
        // In ranges of a few keys, so that keys are made of JSON, and with a row to look up.
        await world.forge("UPDATE first_staging SET v = 'forged' WHERE id = '7'");
        const report = await world.verify({ chunkRows: 3 });
        await world.source.query("ALTER DOMAIN public.tag DROP CONSTRAINT spy");
        assert.doesNotMatch(JSON.stringify(report), /planted code/u);
        assert.deepEqual(
            tableOf(report, "public.first").differences.map(({ kind }) => kind),
            ["log and staging differ"],
        );
        await world.forge("UPDATE first_staging SET v = 'v' WHERE id = '7'");
    });

    it("the cast of a type that a column has got since the deployment", async () => {
        await world.source.query(
            `CREATE TYPE mood AS ENUM ('fine', 'sad');
             CREATE FUNCTION public.lie(mood) RETURNS json LANGUAGE plpgsql AS
                $f$ BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
             CREATE CAST (mood AS json) WITH FUNCTION public.lie(mood);
             ALTER TABLE second ADD COLUMN moods mood[]`,
        );
        // As it was when its catalog was read, and as the catalog has it now.
        const before = await world.verify({}, "public.second");
        await world.source.query(
            "ALTER TABLE second ADD COLUMN mood mood DEFAULT 'fine'; UPDATE second SET moods = '{sad,NULL}' WHERE id = 2",
        );
        const reader = await world.session();
        const audit = await world.auditSession();
        const subject = await readTables(reader, audit, TABLES);
        const now = await verifyTrail(reader, audit, subject);
        await world.source.query(
            "ALTER TABLE second DROP COLUMN mood, DROP COLUMN moods; DROP TYPE mood CASCADE",
        );
        assert.doesNotMatch(JSON.stringify([before, now]), /planted code/u);
        assert.match(JSON.stringify(before), /a column of a type that somebody made/u);
        assert.deepEqual(
            tableOf(now, "public.second").differences.map(({ kind, key }) => [kind, key]),
            [["different row", '{"id": 2}']],
        );
    });

    it("a policy that would hide rows from a reader without rights of its own", async () => {
        await world.source.query(
            `CREATE ROLE someone LOGIN PASSWORD 'scratch' IN ROLE pg_read_all_data;
             GRANT USAGE ON SCHEMA audit_trail TO someone; GRANT INSERT, SELECT ON audit_trail.marker TO someone;
             ALTER TABLE second ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON second USING (id > 10)`,
        );
        const reader = await world.session("someone");
        const report = await verifyTrail(reader, await world.auditSession(), world.definitions, {
            markerTimeoutMs: 20_000,
        });
        await world.source.query("ALTER TABLE second DISABLE ROW LEVEL SECURITY");
        assert.match(
            JSON.stringify(tableOf(report, "public.second").checks),
            /Row security hides rows of it/u,
        );
        assert.ok(tableOf(report, "public.first").complete, JSON.stringify(report));
    });

    it("a table that is gone at the source or on the audit side is one failed table", async () => {
        const [, second] = world.definitions;
        assert.ok(second !== undefined);
        const { auditLog } = trailNames(second);
        await world.trail.superuser.query(`ALTER TABLE ${auditLog} RENAME TO gone`);
        const report = await world.verify();
        await world.trail.superuser.query(`ALTER TABLE gone RENAME TO ${auditLog}`);
        assert.ok(tableOf(report, "public.first").complete);
        assert.deepEqual(failedChecks(tableOf(report, "public.second")), ["verification"]);
        assert.ok(hasUnverified(report));

        const source = await world.session();
        const names = [...TABLES, { schema: "public", table: "none" }];
        const tables = await readTables(source, await world.auditSession(), names);
        const partial = await verifyTrail(source, await world.auditSession(), tables);
        assert.deepEqual(
            partial.tables.map(({ table, complete }) => [table, complete]),
            [
                ["public.first", true],
                ["public.second", true],
                ["public.none", false],
            ],
        );
        assert.ok(!hasUnverified(partial));
        assert.match(tableOf(partial, "public.none").checks[0]?.detail ?? "", /does not exist/u);
    });

    it("a table that has another name at the source is named by both", async () => {
        const rename = async (from: string, to: string): Promise<void> => {
            await world.source.query(`ALTER TABLE ${from} RENAME TO ${to}`);
        };
        await rename("second", "moved");
        try {
            const audit = await world.auditSession();
            const tables = await readTables(await world.session(), audit, TABLES);
            const problems = tables.map((table) => ("problem" in table ? table.problem : ""));
            assert.deepEqual(problems, [
                "",
                "The table public.second does not exist in the source database any more, and is called public.moved now: list it under that name, which begins a new log and keeps the old one.",
            ]);
        } finally {
            await rename("moved", "second");
        }
    });
});
