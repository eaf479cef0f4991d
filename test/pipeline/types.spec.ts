import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { renderSql } from "../../database/sqlTemplate";
import type { Faults } from "../../local/dms/task/faults";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { connect, MortalServer } from "../../testing/pipeline/server";
import { readComplaints } from "../../testing/pipeline/trailReader";
import { ACCEPTED, REFUSED, TYPE_DDL, type TypeCase } from "../../testing/pipeline/typeCases";
import type { CatalogRow } from "../../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../../trail/catalogTables";

const TABLE = { schema: "public", table: "typed" };
const ROUNDS = Math.max(...ACCEPTED.map(({ values }) => values.length));
/** Rows that the full load reads, rows that are inserted later, rows that are updated twice. */
const FIRST = { loaded: 0, inserted: 100, updated: 200 } as const;

describe("types on their way through the pipeline", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
    });
    after(async () => {
        await audit.stop();
        await source.stop();
    });

    const columns = ACCEPTED.map((one, at) => ({ ...one, name: `c${at} ${one.type}` }));
    const ddl =
        `${TYPE_DDL}; CREATE TABLE typed (id integer PRIMARY KEY, ` +
        `${columns.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`).join(", ")}); `;

    function row(round: number): string[] {
        return columns.map(({ values }) => {
            const value = values[round % values.length];
            return value === undefined ? "NULL" : escapeLiteral(value);
        });
    }

    function insert(first: number): string {
        const rows = Array.from(
            { length: ROUNDS },
            (_, round) => `(${first + round}, ${row(round).join(", ")})`,
        );
        return `INSERT INTO typed VALUES ${rows.join(", ")}`;
    }

    function update(round: number): string {
        const values = row(round);
        const sets = columns.map(
            ({ name }, at) => `${escapeIdentifier(name)} = ${values[at] ?? "NULL"}`,
        );
        return `UPDATE typed SET ${sets.join(", ")} WHERE id = ${FIRST.updated + round}`;
    }

    async function imagesOf(client: Client, sql: string): Promise<Map<number, string[]>> {
        const { rows } = await client.query<{ id: number; images: string[] }>(sql);
        return new Map(rows.map(({ id, images }) => [id, images]));
    }

    const cells = (render: (one: TypeCase & { name: string }) => string): string =>
        `ARRAY[${columns.map(render).join(", ")}]`;

    /** The column as the source's value would look after the conversion that the table in the docs promises. */
    function promised(one: TypeCase & { name: string }): string {
        const name = escapeIdentifier(one.name);
        const cases = Object.entries(one.converted ?? {}).map(
            ([from, to]) =>
                `WHEN ${name} = ${escapeLiteral(from)} THEN ${escapeLiteral(to)}::${one.type}`,
        );
        return cases.length === 0 ? name : `CASE ${cases.join(" ")} ELSE ${name} END`;
    }

    const variants: Readonly<Record<string, Partial<Faults>>> = {
        plain: {},
        "booleans as text, numeric as (28,6), large objects in two steps": {
            booleanAsText: true,
            numericRounding: true,
            lobTwoStep: true,
            deleteImage: "keep",
        },
        "a session with settings that nobody expects": {
            targetSession: {
                bytea_output: "escape",
                datestyle: "SQL, DMY",
                extra_float_digits: "-15",
                intervalstyle: "sql_standard",
                lock_timeout: "30s",
                quote_all_identifiers: "on",
                search_path: "",
                timezone: "Asia/Tokyo",
            },
        },
    };
    for (const [index, [title, faults]] of Object.entries(variants).entries()) {
        it(`arrive as docs/types.md says (${title})`, async () => {
            const pipeline = await Pipeline.deploy(source, audit, {
                name: `types_${index}`,
                tables: [TABLE],
                ddl: ddl + insert(FIRST.loaded),
            });
            try {
                pipeline.setFaults(faults);
                await pipeline.start();
                const reader = await pipeline.sourceSession();
                const trail = await pipeline.auditSession();
                await reader.query(insert(FIRST.inserted));
                await reader.query(
                    `INSERT INTO typed SELECT ${FIRST.updated} + n FROM generate_series(0, ${ROUNDS - 1}) AS n`,
                );
                for (let round = 0; round < ROUNDS; round += 1) {
                    await reader.query(update(round));
                }
                await pipeline.caughtUp(reader, trail);

                const expected = await imagesOf(
                    reader,
                    `SELECT id, ${cells((one) => `(${promised(one)})::text`)} AS images FROM typed`,
                );
                assert.equal(expected.size, 3 * ROUNDS);
                assert.deepEqual(
                    await imagesOf(
                        trail,
                        `SELECT id, ${cells(({ name }) => `${escapeIdentifier(name)}::text`)} AS images FROM typed_staging`,
                    ),
                    expected,
                );

                const logged = `SELECT DISTINCT ON (row_key) (row_key ->> 'id')::int AS id,
                    ${cells(({ name }) => `(new_row_data -> ${escapeLiteral(name)})::text`)} AS images
                    FROM typed_audit_log ORDER BY row_key, audit_id DESC`;
                assert.deepEqual(
                    await imagesOf(trail, logged),
                    await imagesOf(
                        reader,
                        `SELECT id, ${cells((one) => `coalesce(to_jsonb(${promised(one)}), 'null')::text`)} AS images FROM typed`,
                    ),
                );
                await reader.query(`DELETE FROM typed WHERE id >= ${FIRST.inserted}`);
                await pipeline.caughtUp(reader, trail);
                const { rows } = await trail.query<{ same: boolean; n: number }>(
                    `SELECT bool_and(d.old_row_data = u.new_row_data) AS same, count(*)::int AS n
                        FROM typed_audit_log AS d
                        JOIN LATERAL (SELECT l.new_row_data FROM typed_audit_log AS l
                            WHERE l.row_key = d.row_key AND l.audit_id < d.audit_id ORDER BY l.audit_id DESC LIMIT 1) AS u ON true
                        WHERE d.operation = 'D'`,
                );
                assert.deepEqual(rows, [{ same: true, n: 2 * ROUNDS }]);
                assert.deepEqual(await readComplaints(trail), []);
            } finally {
                await pipeline.close();
            }
        });
    }

    it("are refused by name where they would not arrive", async () => {
        const client = await connect(source.scratch, source.scratch.database);
        try {
            const refused = REFUSED.map((type, at) => `r${at} ${type}`).join(", ");
            await client.query(
                `${TYPE_DDL}; CREATE TABLE refused (id integer PRIMARY KEY, ${refused})`,
            );
            const { rows } = await client.query<CatalogRow>(
                renderSql("sql/source/catalog.sql").sql,
                catalogParameters([{ schema: "public", table: "refused" }]),
            );
            assert.throws(
                () => tableDefinitions(rows),
                (error: Error) => {
                    const [sentences = ""] = error.message.split("\nTo audit these");
                    const named = sentences
                        .split("\n")
                        .map((line) => /^The column "(\w+)"/u.exec(line)?.[1]);
                    assert.deepEqual(
                        named,
                        REFUSED.map((_, at) => `r${at}`),
                    );
                    return true;
                },
            );
        } finally {
            await client.end();
        }
    });

    it("are all in docs/types.md, with what is tested here", () => {
        const text = readFileSync(path.join(__dirname, "../../docs/types.md"), "utf8");
        const documented = [
            ...text.matchAll(/^\| (`.*?`) +\| (exact|converted|refused)\b/gmu),
        ].flatMap(([, types = "", how = ""]) =>
            [...types.matchAll(/`(.+?)`/gu)].map(([, type = ""]) => `${type}: ${how}`),
        );
        const tested = [
            ...ACCEPTED.map(({ type, converted }) =>
                converted === undefined ? `${type}: exact` : `${type}: converted`,
            ),
            ...REFUSED.map((type) => `${type}: refused`),
        ];
        assert.deepEqual(documented.sort(), tested.sort());
    });
});
