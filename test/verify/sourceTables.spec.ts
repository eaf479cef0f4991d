import assert from "node:assert/strict";
import { until } from "../../testing/until";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { markerFiles } from "../../trail/guards";
import { readTables } from "../../verify/readTables";
import { hasUnverified, type VerifyReport } from "../../verify/report";
import { reportLines } from "../../verify/reportText";
import { verifyTrail } from "../../verify/verifyTrail";

/** What an application does to a deployed table of its name, and the checks and words that tell. */
const DONE: Readonly<Record<string, readonly [string, string, RegExp]>> = {
    unlogged: ["ALTER TABLE unlogged SET UNLOGGED", "source table", /is UNLOGGED/u],
    nothing: [
        "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
        "source table",
        /REPLICA IDENTITY NOTHING/u,
    ],
    indexed: [
        "CREATE UNIQUE INDEX i ON indexed (v); ALTER TABLE indexed ALTER v SET NOT NULL, REPLICA IDENTITY USING INDEX i",
        "source table",
        /REPLICA IDENTITY USING INDEX/u,
    ],
    postponed: [
        "ALTER TABLE postponed DROP CONSTRAINT postponed_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
        "source table",
        /deferrable primary key/u,
    ],
    parent: ["CREATE TABLE heir () INHERITS (parent)", "source table", /inherit from it .*heir/u],
    collated: [
        "ALTER TABLE collated DISABLE TRIGGER ALL; DROP TRIGGER audit_trail_refuse_key_update ON collated; ALTER TABLE collated ALTER id TYPE varchar(9) COLLATE ci",
        "source table, source guards",
        /not deterministic/u,
    ],
    twin: ['CREATE TABLE "Twin" (id integer)', "source table", /public\.Twin and public\.twin/u],
    rekeyed: [
        "ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (id, v)",
        "source table, source guards",
        /primary key is \(id, v\) and was \(id\)/u,
    ],
    secured: ["ALTER TABLE secured ENABLE ROW LEVEL SECURITY", "source table", /row security/u],
    remade: [
        "DROP TABLE remade; CREATE TABLE remade (id varchar(9) PRIMARY KEY, v integer)",
        "source table, source guards",
        /Another table has its name since the last deployment/u,
    ],
    swapped: [
        "CREATE TABLE fresh (LIKE swapped INCLUDING ALL); INSERT INTO fresh TABLE swapped; ALTER TABLE swapped RENAME TO stale; ALTER TABLE fresh RENAME TO swapped",
        "source table, source guards",
        /Another table has its name since the last deployment/u,
    ],
    enabled: [
        "ALTER TABLE enabled ENABLE TRIGGER ALL",
        "source guards",
        /is not ENABLE ALWAYS.*deploy again/u,
    ],
    rewritten: [
        "CREATE TRIGGER mine BEFORE UPDATE ON rewritten FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "source guards",
        /does not see a key that the later BEFORE trigger mine changes/u,
    ],
    blinded: [
        "DROP TRIGGER audit_trail_refuse_key_update ON blinded; CREATE TRIGGER audit_trail_refuse_key_update AFTER UPDATE OF id ON blinded FOR EACH ROW WHEN (record_image_ne(ROW(OLD.id), ROW(NEW.id)) AND false) EXECUTE FUNCTION audit_trail.refuse_key_update(); ALTER TABLE blinded ENABLE ALWAYS TRIGGER audit_trail_refuse_key_update",
        "source guards",
        /audit_trail_refuse_key_update is not as a deployment makes it/u,
    ],
    replaced: [
        "DROP TRIGGER audit_trail_refuse_truncate ON replaced; CREATE TRIGGER audit_trail_refuse_truncate BEFORE TRUNCATE ON replaced EXECUTE FUNCTION idle(); ALTER TABLE replaced ENABLE ALWAYS TRIGGER audit_trail_refuse_truncate",
        "source guards",
        /calls another function than its own/u,
    ],
};

const DDL = `
    CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TABLE tenants (id integer PRIMARY KEY, tenant integer);
    INSERT INTO tenants SELECT n, n % 2 FROM generate_series(1, 6) AS n;
    CREATE TABLE nations (id integer PRIMARY KEY);
    CREATE TABLE restless (id integer PRIMARY KEY, nation integer REFERENCES nations);
    INSERT INTO restless VALUES (1), (2), (3);
    ${Object.keys(DONE)
        .map(
            (table) =>
                `CREATE TABLE ${table} (id varchar(9) PRIMARY KEY, v integer); INSERT INTO ${table} VALUES ('a', 1);`,
        )
        .join(" ")}
`;

describe("verify finds a source table changed since it was deployed:", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            DDL,
            ["tenants", "restless", ...Object.keys(DONE)].map((table) => ({
                schema: "public",
                table,
            })),
            { max_prepared_transactions: "3" },
        );
    });
    after(async () => {
        await world.close();
    });

    it("or locked: says who keeps it from being read, and verifies the others", async () => {
        const reader = await world.session();
        const migration = await world.session();
        const { superuser } = world.trail;
        const names = ["tenants", "unlogged", "nothing"].map((table) => ({
            schema: "public",
            table,
        }));
        const verify = async (): Promise<VerifyReport> => {
            const [source, audit] = [await world.session(), await world.auditSession()];
            const tables = await readTables(source, audit, names);
            return await verifyTrail(source, audit, tables, { markerTimeoutMs: 20_000 });
        };
        const wordsOf = (report: VerifyReport, table: string): string =>
            tableOf(report, table)
                .checks.filter(({ ok }) => !ok)
                .map(({ name, detail }) => `${name}: ${detail}`)
                .join("; ");
        await migration.query("SET application_name = 'migration'");
        // One who waits keeps others out just as one who has the lock.
        await reader.query("BEGIN; SELECT FROM tenants");
        const waiting = migration.query("BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE");
        await until(async () => {
            const { rows } = await world.source.query(
                "SELECT FROM pg_locks WHERE relation = 'tenants'::regclass AND NOT granted",
            );
            return rows.length === 1;
        });
        await superuser.query(
            "BEGIN; SET LOCAL application_name = 'rewrite'; LOCK TABLE unlogged_audit_log_default IN ACCESS EXCLUSIVE MODE",
        );
        try {
            const report = await verify();
            assert.deepEqual(failedChecks(report), []);
            assert.match(
                wordsOf(report, "public.tenants"),
                /^verification: On the source database process \d+ \(application "migration", transaction since [\d:TZ-]+\) waits to lock public\.tenants, /u,
            );
            assert.match(
                wordsOf(report, "public.unlogged"),
                /^verification: the log, registry, unlogged changes: On the audit database process \d+ \(application "rewrite", transaction since [\d:TZ-]+\) has locked public\.unlogged_audit_log_default, /u,
            );
            assert.ok(hasUnverified(report));
            assert.ok(tableOf(report, "public.nothing").complete);
        } finally {
            await superuser.query("ROLLBACK");
            await reader.query("ROLLBACK");
            await waiting;
            await migration.query("ROLLBACK");
        }
        await migration.query("BEGIN; LOCK TABLE audit_trail.marker IN SHARE MODE");
        try {
            const report = await verify();
            assert.deepEqual(failedChecks(report), ["replication"]);
            assert.match(
                report.checks.find(({ ok }) => !ok)?.detail ?? "",
                /\(application "migration", transaction since [\d:TZ-]+\) has locked audit_trail\.marker, /u,
            );
            const tenants = tableOf(report, "public.tenants");
            assert.deepEqual([tenants.complete, tenants.logRows], [false, 6]);
        } finally {
            await migration.query("ROLLBACK");
        }
    });

    for (const [table, [statements, checks, words]] of Object.entries(DONE)) {
        it(table, async () => {
            const name = `public.${table}`;
            assert.deepEqual(failedChecks(tableOf(await world.verify({}, name), name)), []);
            await world.source.query(statements);
            const found = tableOf(await world.verify({}, name), name);
            assert.equal(found.complete, false);
            assert.equal(failedChecks(found).join(", "), checks);
            assert.match(found.checks.map(({ detail }) => detail).join("; "), words);
        });
    }

    it("and taken back, where that has cost a change, and not where it has cost none", async () => {
        const { source } = world;
        await assert.rejects(
            source.query("TRUNCATE nations CASCADE"),
            /TRUNCATE of public\.restless is refused/u,
        );
        for (const rewrite of [
            "VACUUM FULL restless",
            "CLUSTER restless USING restless_pkey",
            "ALTER TABLE restless SET (fillfactor = 50, autovacuum_enabled = false)",
            "REINDEX TABLE restless",
        ]) {
            await source.query(rewrite);
        }
        const rewritten = tableOf(await world.verify({}, "public.restless"), "public.restless");
        assert.ok(rewritten.complete, JSON.stringify(rewritten));
        await source.query(
            `ALTER TABLE restless REPLICA IDENTITY NOTHING; DELETE FROM restless WHERE id < 3;
             INSERT INTO restless VALUES (2); ALTER TABLE restless REPLICA IDENTITY DEFAULT`,
        );
        const report = tableOf(await world.verify({}, "public.restless"), "public.restless");
        assert.deepEqual(
            report.differences.map(({ key, kind }) => [key, kind]),
            [['{"id": 1}', "missing at source"]],
        );
        assert.deepEqual(failedChecks(report), ["gaps"]);
        const gaps = report.checks.find(({ name }) => name === "gaps")?.detail ?? "";
        assert.match(gaps, /^1 x insert over existing row/u);
    });

    it("guards of which a function has another body, and a marker that nothing writes", async () => {
        const functions = async (): Promise<string> =>
            JSON.stringify(
                (await world.verify({}, "public.tenants")).checks.filter(
                    ({ name, ok }) => name === "source functions" && !ok,
                ),
            );
        assert.equal(await functions(), "[]");
        await world.source.query(
            "CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; " +
                "CREATE TRIGGER quiet BEFORE INSERT ON audit_trail.marker FOR EACH ROW WHEN (NEW.kind = 'truncate') EXECUTE FUNCTION idle()",
        );
        assert.match(
            await functions(),
            /audit_trail\.refuse_truncate\(\) has not the body.*the trigger quiet of audit_trail\.marker is not/u,
        );
        const { checks } = tableOf(await world.verify({}, "public.tenants"), "public.tenants");
        assert.match(
            checks.find(({ name }) => name === "source guards")?.detail ?? "",
            /audit_trail_refuse_truncate is not as a deployment makes it/u,
        );
        await world.source.query(
            `DROP TRIGGER quiet ON audit_trail.marker; ${markerFiles()
                .map(({ sql }) => sql)
                .join(";")}`,
        );
        assert.equal(await functions(), "[]");
    });

    it("guards' functions of other settings, rights or owners, and markers that somebody may take away", async () => {
        await world.source.query(`
            CREATE ROLE sweeper;
            ALTER FUNCTION audit_trail.refuse_truncate() RESET search_path;
            ALTER FUNCTION audit_trail.record_truncate() SECURITY INVOKER;
            ALTER FUNCTION audit_trail.refuse_key_update() SECURITY DEFINER;
            ALTER FUNCTION audit_trail.return_owners() OWNER TO sweeper;
            ALTER TABLE audit_trail.marker ENABLE ROW LEVEL SECURITY;
            CREATE POLICY few ON audit_trail.marker USING (kind = 'verify');
            CREATE TABLE heir_of_marker () INHERITS (audit_trail.marker);
            GRANT DELETE ON audit_trail.marker TO sweeper;
        `);
        const report = await world.verify({}, "public.tenants");
        const { findings = [] } =
            report.checks.find(({ name }) => name === "source functions") ?? {};
        const guards = tableOf(report, "public.tenants").checks.find(
            ({ name }) => name === "source guards",
        );
        await world.source.query(`
            REVOKE DELETE ON audit_trail.marker FROM sweeper;
            DROP TABLE heir_of_marker;
            DROP POLICY few ON audit_trail.marker;
            ALTER TABLE audit_trail.marker DISABLE ROW LEVEL SECURITY;
            ALTER FUNCTION audit_trail.return_owners() OWNER TO CURRENT_USER;
            ${markerFiles()
                .map(({ sql }) => sql)
                .join(";")}
        `);
        assert.deepEqual([...findings].sort(), [
            "audit_trail.record_truncate() does not run with its owner's rights: deploy again",
            "audit_trail.refuse_key_update() runs with its owner's rights: deploy again",
            'audit_trail.refuse_truncate() has the settings "" and not "search_path=pg_catalog, pg_temp": deploy again',
            "audit_trail.return_owners() belongs to sweeper, and audit_trail.marker does not: give it to the marker's owner",
            "row security of audit_trail.marker is not the trail's: take it away",
            "the child public.heir_of_marker of audit_trail.marker is not the trail's: take it away",
            "the policy few of audit_trail.marker is not the trail's: take it away",
            "the right of sweeper to DELETE audit_trail.marker is not the trail's: take it away",
        ]);
        assert.match(
            guards?.detail ?? "",
            /audit_trail_refuse_truncate is not as a deployment makes it/u,
        );
        const { checks } = await world.verify({}, "public.tenants");
        assert.deepEqual(
            checks.filter(({ name, ok }) => name === "source functions" && !ok),
            [],
        );
    });

    it("rows hidden from the one who verifies, without keeping silent of other tables", async () => {
        await world.source.query(`
            CREATE ROLE verifier;
            GRANT USAGE ON SCHEMA audit_trail TO verifier;
            GRANT SELECT, INSERT ON audit_trail.marker TO verifier;
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO verifier;
            GRANT pg_monitor TO verifier;
            ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
            CREATE POLICY one ON tenants USING (tenant = 1);
            CREATE TABLE later (id integer PRIMARY KEY);
        `);
        const source = await world.session();
        await source.query("SET SESSION AUTHORIZATION verifier");
        const audit = await world.auditSession();
        const definitions = world.definitions.filter(({ table }) =>
            ["tenants", "enabled", "twin"].includes(table),
        );
        const report = await verifyTrail(source, audit, definitions, { markerTimeoutMs: 20_000 });
        const tenants = tableOf(report, "public.tenants");
        assert.equal(tenants.complete, false);
        assert.equal(tenants.comparedUpTo, null);
        assert.deepEqual(failedChecks(tenants), ["source table"]);
        assert.match(JSON.stringify(tenants), /hides rows of it from this user/u);
        assert.notEqual(tableOf(report, "public.enabled").comparedUpTo, null);
        assert.equal(tableOf(report, "public.enabled").rows, 1);
    });

    it("and notes that transactions may be prepared", async () => {
        const report = await world.verify({}, "public.twin");
        assert.match(
            reportLines(report).join("\n"),
            /^NOTE two-phase commit: max_prepared_transactions is 3/mu,
        );
    });
});
