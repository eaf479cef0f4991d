import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Client } from "pg";
import { deploymentParts, type Subject } from "../../commands/sql/deployment";
import { MARKER, PARTITIONED } from "../../commands/sql/knownTables";
import { allParts, DEMO_SUBJECT } from "../../commands/sql/pages";
import { questionParts } from "../../commands/sql/questions";
import { partText } from "../../commands/sql/step";
import { readSubjects } from "../../commands/sql/subjects";
import { columnsOf } from "../../config/columnParser";
import { prepareSession } from "../../database/session";
import { qualified, renderSql } from "../../database/sqlTemplate";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { launch, type RunningCommand } from "../../testing/command";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, deploy, run } from "../../testing/trailDatabase";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";
import { guardFiles, guardOthersFiles, markerFiles } from "../../trail/guards";
import { trailNames } from "../../trail/names";
import { schemas } from "../../trail/rolesAndSchemas";
import type { TableDefinition } from "../../trail/tableDefinition";
import { markerGapFiles } from "../../trail/tableGroups";
import { type Fact, readFacts } from "../../verify/catalogFacts";
import { Database } from "../../verify/database";
import { verifyTrail } from "../../verify/verifyTrail";

const PARTITIONED_DDL = `
    CREATE TABLE public.readings (
        sensor integer, taken_at timestamptz, value numeric, place point, note varchar, words tsvector,
        PRIMARY KEY (sensor, taken_at)
    ) PARTITION BY RANGE (taken_at);
    CREATE TABLE public.readings_2026 PARTITION OF public.readings FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z');
    CREATE TABLE public.readings_2027 PARTITION OF public.readings FOR VALUES FROM ('2027-01-01Z') TO ('2028-01-01Z');
`;

const CHOICES = {
    "public.readings": {
        value: { numeric: [12, 4] },
        place: "asText",
        note: { varchar: 200 },
        words: { exclude: "made of the other columns" },
    },
};

const SUBJECTS: readonly Subject[] = [
    DEMO_SUBJECT,
    { ...DEMO_SUBJECT, definition: PARTITIONED, isDemo: false },
];
const TABLES = SUBJECTS.map(({ definition }) => definition);
const AUDITED = [...TABLES, MARKER];

/** Scripts that only a config or a table of another kind brings. */
const UNUSED = [
    "sql/audit/extension.sql",
    "sql/audit/schema.sql",
    "sql/source/preflight/lob_size.sql",
    "sql/source/replica_identity_full.sql",
];

/** The definition as on a server where nothing has a number. */
function withoutOids(definition: TableDefinition): TableDefinition {
    const partitions = definition.partitions?.map((one) => ({ ...one, oid: "0" }));
    return { ...definition, oid: "0", ...(partitions === undefined ? {} : { partitions }) };
}

describe("the printed SQL", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    const clients: Client[] = [];
    /** Databases of the master user: what the printed scripts made, and what a deployment's own way makes. */
    let source: Client;
    let audit: Client;
    let sourceAsEver: Client;
    let auditAsEver: Client;

    async function open(database?: string): Promise<Client> {
        const user = database === undefined ? server.user : "master";
        const client = await connect(server, { user, database });
        clients.push(client);
        return client;
    }

    before(async () => {
        server = await scratchServer();
        const superuser = await open();
        await superuser.query(`
            CREATE ROLE rds_replication; CREATE ROLE rds_superuser;
            CREATE ROLE master LOGIN CREATEROLE PASSWORD 'scratch' IN ROLE pg_monitor;
            GRANT rds_replication, rds_superuser TO master WITH ADMIN OPTION`);
        const made: Client[] = [];
        for (const name of ["source", "audit", "source_as_ever", "audit_as_ever"]) {
            await superuser.query(`CREATE DATABASE ${name} OWNER master`);
            made.push(await open(name));
        }
        [source, audit, sourceAsEver, auditAsEver] = made as [Client, Client, Client, Client];
        await source.query(PARTITIONED_DDL);
        for (const part of deploymentParts(SUBJECTS, MARKER)) {
            await (part.name === "source" ? source : audit).query(partText(part));
        }
    });
    after(async () => {
        await Promise.all(clients.map((client) => client.end()));
        await server.stop();
    });

    async function readDefinitions(): Promise<TableDefinition[]> {
        const { rows } = await source.query<CatalogRow>(
            renderSql("sql/source/catalog.sql").sql,
            catalogParameters(AUDITED),
        );
        const choices = columnsOf(TABLES).parse(JSON.stringify(CHOICES));
        return tableDefinitions(rows, choices).map(withoutOids);
    }

    it("is about tables as the source has them", async () => {
        assert.deepEqual(await readDefinitions(), AUDITED.map(withoutOids));
    });

    it("names every script that there is", async () => {
        const printed = new Set(
            allParts(SUBJECTS, MARKER).flatMap(({ steps }) =>
                steps.flatMap(({ files }) => files.map(({ file }) => file.replace(/,.*/u, ""))),
            ),
        );
        for (const folder of ["sql/source", "sql/audit", "sql/dms", "sql/verify"]) {
            const names = await readdir(path.join(PROJECT_ROOT, folder), { recursive: true });
            for (const name of names.filter((one) => one.endsWith(".sql"))) {
                const file = `${folder}/${name}`;
                assert.equal(printed.has(file), !UNUSED.includes(file), file);
            }
        }
    });

    it("makes on the audit cluster what a deployment makes", async () => {
        await prepareSession(auditAsEver);
        await deploy(auditAsEver, AUDITED);
        await run(auditAsEver, markerGapFiles());
        const relations = AUDITED.flatMap((definition) => {
            const { staging, auditLog } = trailNames(definition);
            return [qualified(definition.schema, staging), qualified(definition.schema, auditLog)];
        });
        const facts = async (client: Client): Promise<string[]> => {
            const read: Fact[] = await readFacts(
                await Database.prepare(client, "audit"),
                schemas.trail,
                relations,
            );
            return read.map((fact) => JSON.stringify(fact)).sort();
        };
        const made = await facts(audit);
        assert.ok(made.length > 500, `${made.length} facts`);
        assert.deepEqual(made, await facts(auditAsEver));
    });

    it("makes on the source what a deployment makes", async () => {
        await prepareSession(sourceAsEver);
        await sourceAsEver.query(`CREATE SCHEMA audit_trail; ${PARTITIONED_DDL}`);
        await run(sourceAsEver, [renderSql("sql/source/items.sql"), ...markerFiles()]);
        for (const { definition, guards } of SUBJECTS) {
            await run(sourceAsEver, guardFiles(definition, guards, false));
        }
        await run(sourceAsEver, guardOthersFiles(TABLES));
        const triggers = async (client: Client): Promise<unknown[]> => {
            const { rows } = await client.query<object>(`
                SELECT pg_catalog.pg_get_triggerdef(t.oid) AS text, t.tgenabled::text AS enabled
                FROM pg_catalog.pg_trigger AS t
                WHERE NOT t.tgisinternal
                ORDER BY 1`);
            return rows;
        };
        await prepareSession(source);
        const made = await triggers(source);
        assert.ok(made.length > 5, `${made.length} triggers`);
        assert.deepEqual(made, await triggers(sourceAsEver));
    });

    it("has queries that both servers understand", async () => {
        const databases = { source, audit };
        await Database.prepare(source, "source");
        await Database.prepare(audit, "audit");
        for (const { side, files } of questionParts(TABLES, MARKER).flatMap(({ steps }) => steps)) {
            for (const { file, sql } of files) {
                const isScript = file.endsWith("hold_table.sql");
                const text = isScript
                    ? `BEGIN; ${sql}; ROLLBACK`
                    : `PREPARE printed AS ${sql.trimEnd().replace(/;$/u, "")}; DEALLOCATE printed`;
                await databases[side].query(text).catch((error: unknown) => {
                    assert.fail(`${file} on the ${side}: ${String(error)}`);
                });
            }
        }
    });

    it("has every query that verify runs", async () => {
        const printed = new Set(
            allParts(SUBJECTS, MARKER).flatMap(({ steps }) =>
                steps.flatMap(({ files }) => files.map(({ sql }) => sql)),
            ),
        );
        const asked = new Set<string>();
        for (const client of [source, audit]) {
            const query = client.query.bind(client) as (...args: unknown[]) => unknown;
            client.query = ((...args: unknown[]) => {
                if (typeof args[0] === "string") {
                    asked.add(args[0]);
                }
                return query(...args);
            }) as Client["query"];
        }
        try {
            await verifyTrail(source, audit, TABLES, { markerTimeoutMs: 50 });
        } finally {
            for (const client of [source, audit]) {
                Reflect.deleteProperty(client, "query");
            }
        }
        // Every script of the project begins with a comment; the copy of the trail is made under another name.
        const unknown = [...asked].filter(
            (sql) => sql.startsWith("--") && !printed.has(sql) && !/\bat_[0-9a-f]{8}\b/u.test(sql),
        );
        assert.ok(asked.size > 50, `${asked.size} queries`);
        assert.deepEqual(unknown, []);
    });

    it("can be had of any table that a source has", async () => {
        await source.query("CREATE TABLE public.other (id uuid PRIMARY KEY, at interval)");
        const database = await Database.prepare(source, "source");
        const [subject] = await readSubjects(database, undefined, [
            { schema: "public", table: "other" },
        ]);
        assert.ok(subject !== undefined);
        assert.deepEqual(subject.guards, {
            truncate: "refuse",
            keyUpdate: "refuse",
            everyUpdate: false,
        });
        const text = allParts([subject], MARKER).map(partText).join("\n");
        assert.ok(text.includes(`CREATE TABLE IF NOT EXISTS "public"."other_staging"`));
        assert.ok(!text.includes("CREATE TABLE IF NOT EXISTS public.items"));
        await assert.rejects(
            readSubjects(database, undefined, [{ schema: "public", table: "none" }]),
            /^Error: The table public\.none does not exist in the source database: /,
        );
    });

    it("is printed without a database, and whoever reads may leave", async () => {
        const program = path.join(PROJECT_ROOT, "commands", "run.cjs");
        const environment = {
            AUDIT_TRAIL_LOCAL_DIR: ".local/none",
            AUDIT_TRAIL_SOURCE_URL: "",
            AUDIT_TRAIL_AUDIT_URL: "",
        };
        const [whole, other, left] = [[], ["--table", "public.orders"], []].map((args) =>
            launch(process.execPath, [program, "sql", ...args], environment),
        ) as [RunningCommand, RunningCommand, RunningCommand];
        left.child.stdout?.destroy();
        const ended = await Promise.all([whole.ended, other.ended, left.ended]);
        assert.deepEqual(
            ended.map(({ code }) => code),
            [0, 1, 0],
        );
        const text = allParts([DEMO_SUBJECT], MARKER).map(partText).join("\n");
        assert.equal(ended[0].stdout, text);
        assert.match(
            ended[1].stderr,
            /^\nOnly the source knows what public\.orders looks like: .*\n$/u,
        );
        assert.deepEqual([ended[0].stderr, ended[2].stderr], ["", ""]);
    });
});
