import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { Client, type ClientConfig } from "pg";
import { claimProvider } from "../../components/cluster/sourceClaim";
import { catalogProvider } from "../../components/database/sourceCatalog";
import { destroyCheckProvider, undoProvider } from "../../components/database/sourceUndo";
import { scriptProvider } from "../../components/database/sqlScript";
import type { Connection } from "../../database/connection";
import type { SqlBatch } from "../../database/runBatch";
import { renderSql } from "../../database/sqlTemplate";
import { ReplicationStream } from "../../local/dms/capture/stream";
import { ADMINISTRATOR } from "../../local/servers/administrator";
import {
    createRdsServer,
    removeRdsServer,
    startRdsServer,
    syncReplicationAttribute,
} from "../../local/servers/rds";
import { rdsFolder, readRecord } from "../../local/servers/rdsFiles";
import { authorityFiles } from "../../local/servers/tls";
import { catalogSnapshot } from "../../testing/catalogSnapshot";
import { makeTempDir } from "../../testing/tempDir";
import { until } from "../../testing/until";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";
import { MARKER_TABLE } from "../../trail/guards";
import {
    guardBatches,
    type GuardChoices,
    markerBatches,
    sourceRightsBatches,
    unguardBatches,
} from "../../trail/sourceDeployment";
import { undoScripts } from "../../trail/sourceUndo";
import type { TableName } from "../../trail/tableDefinition";

const ID = "theirs";
const ORDERS: TableName = { schema: "shop", table: "orders" };
const EVENTS: TableName = { schema: "shop", table: "events" };

/** A database as others have made it: owners that are not the login, rights, comments, a slot, settings, partitions. */
const ROLES = `
    CREATE ROLE shop_owner NOLOGIN;
    CREATE ROLE shop_app LOGIN PASSWORD 'app';
    CREATE ROLE events_owner NOLOGIN;
`;
const THEIRS = `
    ALTER ROLE shop_app SET work_mem = '8MB';
    ALTER ROLE shop_app IN DATABASE shop SET search_path = shop;
    CREATE SCHEMA shop AUTHORIZATION shop_owner;
    GRANT USAGE, CREATE ON SCHEMA shop TO shop_owner, events_owner;
    GRANT USAGE ON SCHEMA shop TO shop_app, boss;
    SET ROLE shop_owner;
    CREATE TABLE shop.orders (order_id bigint PRIMARY KEY, note varchar(50));
    COMMENT ON TABLE shop.orders IS 'theirs';
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON shop.orders TO shop_app;
    GRANT TRUNCATE ON shop.orders TO PUBLIC;
    ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO shop_app;
    CREATE VIEW shop.recent AS SELECT order_id FROM shop.orders;
    RESET ROLE;
    CREATE FUNCTION shop.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    SET ROLE events_owner;
    CREATE TABLE shop.events (event_id bigint PRIMARY KEY) PARTITION BY RANGE (event_id);
    CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM (0) TO (1000);
    CREATE TABLE shop.events_2 PARTITION OF shop.events FOR VALUES FROM (1000) TO (2000);
    ALTER TABLE shop.events_2 REPLICA IDENTITY FULL;
    RESET ROLE;
    CREATE PUBLICATION shop_changes FOR TABLE shop.orders;
`;

for (const major of [15, 16, 17, 18]) {
    describe(`a source that goes on without the trail, PostgreSQL ${String(major)}`, function () {
        this.timeout(120_000);
        let folder: string;
        let connection: Connection;
        let administrator: Client;
        let theirs: Client;
        const clients: Client[] = [];
        const streams: ReplicationStream[] = [];

        async function open(config: ClientConfig): Promise<Client> {
            const client = new Client(config);
            client.on("error", () => undefined);
            await client.connect();
            clients.push(client);
            return client;
        }

        async function config(user: string, password: string): Promise<ClientConfig> {
            const { port } = await readRecord(folder, ID);
            const ca = await readFile(authorityFiles(folder).certPath, "utf8");
            return { host: "localhost", port, database: "shop", user, password, ssl: { ca } };
        }

        before(async () => {
            folder = await makeTempDir();
            await createRdsServer(folder, ID, {
                major,
                masterUsername: "boss",
                masterPassword: "boss-password",
                databaseName: "shop",
                parameters: [
                    { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
                    { name: "rds.force_ssl", value: "1", applyMethod: "pending-reboot" },
                ],
            });
            await startRdsServer(folder, ID);
            const password = await readFile(rdsFolder(folder, ID).passwordFile, "utf8");
            administrator = await open(await config(ADMINISTRATOR, password));
            theirs = await open(await config(ADMINISTRATOR, password));
            const { port } = await readRecord(folder, ID);
            connection = {
                host: "localhost",
                port,
                database: "shop",
                user: "boss",
                password: "boss-password",
                caPath: authorityFiles(folder).certPath,
            };
            const boss = await open(await config("boss", "boss-password"));
            await boss.query(ROLES);
            await administrator.query(THEIRS);
            await administrator.query(
                "SELECT pg_create_logical_replication_slot('theirs', 'test_decoding', false)",
            );
        });

        after(async () => {
            await Promise.all(streams.map((stream) => stream.close()));
            await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
            await removeRdsServer(folder, ID);
            await rm(folder, { recursive: true, force: true });
        });

        const claim = () =>
            claimProvider.create({
                connection,
                query: renderSql("sql/source/claim.sql").sql,
                roles: ["audit_trail_dms_source"],
                schemas: ["audit_trail", "awsdms_heartbeat"],
            });

        const runBatches = async (batches: readonly SqlBatch[]): Promise<void> => {
            await scriptProvider.create({ connection, batches });
        };

        const choices = (
            tables: readonly TableName[],
            full: readonly TableName[],
        ): GuardChoices => ({
            tables,
            sourceGuards: true,
            allowTruncate: [],
            allowKeyUpdates: [],
            fullReplicaIdentity: full,
            keepsRights: true,
        });

        /** What an update does after the plugin has made the role and the schemas. */
        async function audit(
            tables: readonly TableName[],
            full: readonly TableName[],
        ): Promise<void> {
            await runBatches(markerBatches());
            const audited = [...tables, MARKER_TABLE];
            const { outs } = await catalogProvider.create({
                connection,
                tables: audited,
                query: renderSql("sql/source/catalog.sql").sql,
                formerNames: renderSql("sql/source/former_names.sql").sql,
                parameters: catalogParameters(audited),
                guards: audited.map(() => []),
                excluded: audited.map(() => []),
                columnsHash: "",
                replicated: [],
                repairs: {},
                toCome: [],
            });
            const { rows } = outs as { readonly rows: readonly CatalogRow[] };
            const definitions = tableDefinitions(rows, []);
            await runBatches(sourceRightsBatches(audited, definitions));
            await runBatches(guardBatches(choices(tables, full), rows, definitions, () => ""));
            await runBatches(unguardBatches(tables, definitions));
        }

        /** As the postgresql plugin does it. */
        async function makeRoleAndSchemas(): Promise<void> {
            const boss = await open(await config("boss", "boss-password"));
            await boss.query(`
            CREATE ROLE audit_trail_dms_source LOGIN PASSWORD 'dms';
            GRANT rds_replication, rds_superuser TO audit_trail_dms_source;
            CREATE SCHEMA audit_trail;
            CREATE SCHEMA awsdms_heartbeat`);
            await syncReplicationAttribute(folder, ID);
        }

        /** The same at the end. */
        async function dropRoleAndSchemas(): Promise<void> {
            const boss = await open(await config("boss", "boss-password"));
            await boss.query(`
            DROP SCHEMA audit_trail RESTRICT;
            DROP SCHEMA awsdms_heartbeat RESTRICT;
            GRANT audit_trail_dms_source TO CURRENT_USER;
            DROP OWNED BY audit_trail_dms_source;
            REVOKE audit_trail_dms_source FROM CURRENT_USER;
            DROP ROLE audit_trail_dms_source`);
        }

        /** What DMS does at the source; its stream is still open. */
        async function replicate(): Promise<void> {
            const dms = await config("audit_trail_dms_source", "dms");
            const session = await open(dms);
            await session.query(
                "CREATE TABLE awsdms_heartbeat.awsdms_heartbeat (hb_key integer PRIMARY KEY)",
            );
            await session.query(
                "SELECT pg_create_logical_replication_slot('dms_slot', 'test_decoding')",
            );
            const stream = await ReplicationStream.open(dms, "dms_slot", 0n, {
                onMessage: () => undefined,
                onKeepalive: () => undefined,
                onLost: () => undefined,
            });
            streams.push(stream);
        }

        const state = () => ({ connection, scripts: undoScripts(), slotsBefore: ["theirs"] });
        const check = async () => destroyCheckProvider.delete?.("id", state());
        const undo = async () => undoProvider.delete?.("id", state());

        it("is as it was, object by object, after a table left the list and after a destroy that was refused first", async () => {
            const before = await catalogSnapshot(administrator);
            await claim();
            await makeRoleAndSchemas();
            await audit([ORDERS, EVENTS], [EVENTS]);
            const guarded = await catalogSnapshot(administrator);
            assert.ok(guarded.length > before.length + 30);
            // The owner's rights stay the owner's, and the partitions have the identity that was asked for.
            // From PostgreSQL 16 on, whoever creates a role is given it.
            const own =
                major < 16
                    ? []
                    : [
                          'membership: boss of audit_trail_dms_source by rdsadmin: {"set_option": false, "admin_option": true, "inherit_option": false}',
                      ];
            assert.deepEqual(
                lines(guarded, "membership: boss"),
                [...own, ...lines(before, "membership: boss")].sort(),
            );
            assert.match(lines(guarded, "relation: shop.events_1")[0] ?? "", /identity=f/);
            assert.match(lines(guarded, "relation: shop.orders")[0] ?? "", /PUBLIC=TRUNCATE/);

            // One that leaves the list.
            await audit([ORDERS], []);
            const fewer = await catalogSnapshot(administrator);
            for (const what of [
                "relation: shop.events",
                "trigger: CREATE TRIGGER audit_trail_refuse_truncate BEFORE TRUNCATE ON shop.events",
            ]) {
                assert.deepEqual(lines(fewer, what), lines(before, what));
            }

            // Another stack.
            await assert.rejects(
                claim(),
                /^Error: The database "shop" at localhost:\d+ cannot be the stack's source, and nothing was touched there: it has the role audit_trail_dms_source and the schema audit_trail and the schema awsdms_heartbeat/,
            );

            await replicate();
            const boss = await open(await config("boss", "boss-password"));
            await boss.query(`
            CREATE VIEW public.markers AS SELECT marker_id FROM audit_trail.marker;
            CREATE TABLE audit_trail.notes (note text);
            CREATE FUNCTION audit_trail.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1';
            CREATE TABLE public.own (id integer PRIMARY KEY);
            CREATE TRIGGER mine BEFORE TRUNCATE ON public.own EXECUTE FUNCTION audit_trail.refuse_truncate()`);
            const problems =
                /public\.markers needs table audit_trail\.marker.*; trigger mine on table public\.own needs function|function audit_trail\.mine\(\) is in the trail's schema audit_trail/u;
            const whole = await catalogSnapshot(administrator);
            await assert.rejects(check(), (error: Error) => {
                assert.match(error.message, /^Nothing was destroyed yet\. The database "shop"/);
                assert.match(error.message, problems);
                assert.match(error.message, /table audit_trail\.notes is in the trail's schema/);
                assert.equal(error.message.split("\n").length, 1);
                return true;
            });
            await assert.rejects(undo(), problems);
            assert.deepEqual(await catalogSnapshot(administrator), whole);
            await boss.query(`
            DROP VIEW public.markers;
            DROP TABLE audit_trail.notes, public.own;
            DROP FUNCTION audit_trail.mine()`);

            await check();
            // A long transaction of theirs on an audited table: the undo waits for it, and not for ever.
            await theirs.query("BEGIN; SELECT FROM shop.orders");
            const undone = undo();
            await until(async () => {
                const { rows } = await administrator.query(
                    "SELECT FROM pg_locks WHERE NOT granted AND relation = 'shop.orders'::regclass",
                );
                return rows.length > 0;
            });
            await theirs.query("COMMIT");
            await undone;
            // It can be done again, as after a destroy that was interrupted behind it.
            await undo();
            await dropRoleAndSchemas();
            assert.deepEqual(await catalogSnapshot(administrator), before);
        });

        it("refuses a destroy that cannot reach it, before anything is touched", async () => {
            const gone = { ...state(), connection: { ...connection, port: 1 } };
            await assert.rejects(
                async () => destroyCheckProvider.delete?.("id", gone),
                /^Error: Nothing was destroyed yet\. The database "shop" at localhost:1 cannot be reached \(ECONNREFUSED\)/,
            );
            await assert.rejects(
                async () => undoProvider.delete?.("id", gone),
                /^Error: The database "shop" at localhost:1 cannot be reached/,
            );
        });

        it("is left alone by a destroy of what has made nothing there", async () => {
            const before = await catalogSnapshot(administrator);
            await check();
            await undo();
            assert.deepEqual(await catalogSnapshot(administrator), before);
        });

        it("keeps a slot that nobody saw DMS read, and is named where it is younger than the trail", async () => {
            const [warn, said] = [console.warn, [] as unknown[]];
            console.warn = (...words: unknown[]) => said.push(...words);
            try {
                await undo();
                assert.deepEqual(said, []);
                await administrator.query(
                    "SELECT pg_create_logical_replication_slot('stray', 'test_decoding')",
                );
                await undo();
            } finally {
                console.warn = warn;
            }
            assert.equal(said.length, 1);
            assert.match(String(said[0]), /^Nobody reads the replication slot stray of the source/);
            // It fails where the slot is gone.
            await administrator.query("SELECT pg_drop_replication_slot('stray')");
        });
    });
}

function lines(snapshot: readonly string[], begin: string): string[] {
    return snapshot.filter((line) => line.startsWith(begin));
}
