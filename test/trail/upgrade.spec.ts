import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import type { Client } from "pg";
import { MARKER } from "../../commands/sql/knownTables";
import { DEMO_SUBJECT } from "../../commands/sql/pages";
import { prepareSession } from "../../database/session";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, deploy, run } from "../../testing/trailDatabase";
import { until } from "../../testing/until";
import { codeOf } from "../../text/errors";
import { SCHEMA_VERSION } from "../../trail/schemaVersion";
import { markerGapFiles } from "../../trail/tableGroups";

const UPGRADES = path.join(PROJECT_ROOT, "test", "upgrade");

/** Everything of the trail that an auditor reads, and staging, as text; without what later versions have added or name after a hash. */
const HOLDINGS = `
    SELECT 'log' AS what, to_jsonb(l.*)::text AS held FROM public.items_audit_log AS l
    UNION ALL SELECT 'staging', to_jsonb(s.*)::text FROM public.items_staging AS s
    UNION ALL SELECT 'gap', to_jsonb(g.*)::text FROM audit_trail.gap AS g
    UNION ALL SELECT 'unlogged', to_jsonb(u.*)::text FROM audit_trail.unlogged_change AS u
    UNION ALL SELECT 'table', (to_jsonb(t.*) - '{table_group,moved_from,uncommon_function}'::text[])::text FROM audit_trail.audited_table AS t
    ORDER BY what, held`;

/** The rows that are written meanwhile have greater keys, and positions behind those of the others. */
const FIRST_KEY = 1000;

/** Writes one row of staging after the other as DMS does, which tries again what the update has kept it from. */
class Writer {
    written = 0;
    private isOver = false;

    constructor(private readonly dms: Client) {}

    async write(): Promise<void> {
        while (!this.isOver) {
            const next = this.written + 1;
            try {
                await this.dms.query(
                    `INSERT INTO public.items_staging
                    VALUES ($1::integer, $2, 1, 'I', '2026-11-23 11:00Z', '00000000/' || upper(lpad(to_hex($1::integer), 8, '0')), $3)`,
                    [FIRST_KEY + next, `written ${String(next)}`, String(next).padStart(35, "0")],
                );
                this.written = next;
            } catch (error) {
                // A deadlock, or a lock that it waited for too long.
                if (!["40P01", "55P03"].includes(codeOf(error))) {
                    throw error;
                }
            }
        }
    }

    async end(writing: Promise<void>): Promise<void> {
        this.isOver = true;
        await writing;
    }
}

describe("a database that an earlier version made", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    const clients: Client[] = [];

    async function open(user: string, database?: string): Promise<Client> {
        const client = await connect(server, { user, database });
        clients.push(client);
        return client;
    }

    // The roles are the server's, and each version makes them.
    beforeEach(async () => {
        server = await scratchServer();
        const superuser = await open(server.user);
        await superuser.query(`
            CREATE ROLE rds_replication; CREATE ROLE rds_superuser;
            CREATE ROLE master LOGIN CREATEROLE PASSWORD 'scratch' IN ROLE pg_monitor;
            GRANT rds_replication, rds_superuser TO master WITH ADMIN OPTION`);
    });
    afterEach(async () => {
        await Promise.all(clients.splice(0).map((client) => client.end()));
        await server.stop();
    });

    for (const version of readdirSync(UPGRADES).sort()) {
        it(`of ${version} keeps all that it holds and goes on`, async () => {
            const database = "upgraded";
            const superuser = await open(server.user);
            await superuser.query(`CREATE DATABASE ${database} OWNER master`);
            const master = await open("master", database);
            const file = path.join(UPGRADES, version, "audit.sql.gz");
            await master.query(gunzipSync(readFileSync(file)).toString());
            await superuser.query("ALTER ROLE audit_trail_dms_target PASSWORD 'scratch'");
            const dms = await open("audit_trail_dms_target", database);
            const auditor = await open(server.user, database);
            await dms.query(`
                INSERT INTO public.items_staging VALUES
                    (1, 'mouse', 9.50, 'I', '2026-11-23 10:00Z', '00000000/00000010', '1'),
                    (2, 'lamp', 29.50, 'I', '2026-11-23 10:00Z', '00000000/00000010', '2');
                UPDATE public.items_staging SET name = 'mice', audit_trail_operation = 'U',
                    audit_trail_stream_position = '00000000/00000020', audit_trail_change_seq = '3' WHERE item_id = 1`);
            const held = async (): Promise<{ what: string; held: string }[]> => {
                const { rows } = await auditor.query<{ what: string; held: string }>(HOLDINGS);
                return rows;
            };
            const before = await held();
            assert.ok(before.length > 5, JSON.stringify(before));

            await prepareSession(master);
            const writer = new Writer(dms);
            const writing = writer.write();
            await until(() => Promise.resolve(writer.written > 0));
            await deploy(master, [DEMO_SUBJECT.definition, MARKER]);
            await run(master, markerGapFiles());
            const during = writer.written;
            await until(() => Promise.resolve(writer.written > during));
            await writer.end(writing);

            const after = await held();
            const texts = (rows: readonly { held: string }[]): string[] =>
                rows.map((row) => row.held);
            assert.deepEqual(
                texts(before).filter((text) => !texts(after).includes(text)),
                [],
            );
            const fresh = texts(after).filter((text) => !texts(before).includes(text));
            assert.deepEqual(
                fresh
                    .map((text) => /written \d+/u.exec(text)?.[0])
                    .filter((text, at, all) => all.indexOf(text) === at),
                Array.from({ length: writer.written }, (_, at) => `written ${String(at + 1)}`),
            );
            assert.equal(
                fresh.length,
                2 * writer.written,
                "each row in staging and once in the log",
            );
            const { rows: groups } = await auditor.query(
                "SELECT DISTINCT t.table_group FROM audit_trail.audited_table AS t",
            );
            assert.deepEqual(groups, [{ table_group: "default" }]);
            const { rows: versions } = await auditor.query(
                "SELECT max(version) AS version FROM audit_trail.schema_version",
            );
            assert.deepEqual(versions, [{ version: SCHEMA_VERSION }]);
            await dms.query(`
                UPDATE public.items_staging SET name = 'rat', audit_trail_operation = 'D',
                    audit_trail_stream_position = '00000000/00000030', audit_trail_change_seq = '4' WHERE item_id = 1`);
            const logOf = (rows: readonly { what: string }[]): number =>
                rows.filter(({ what }) => what === "log").length;
            assert.equal(logOf(await held()), logOf(after) + 1);
        });
    }
});
