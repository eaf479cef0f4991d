import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import type { Client } from "pg";
import { renderSql, SqlFragment } from "../../database/sqlTemplate";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { withTempDir } from "../../testing/tempDir";
import { connect, ITEMS } from "../../testing/trailDatabase";
import { triggerFunction, triggerObjects } from "../../trail/logFunction";
import { foundation, tableObjects } from "../../trail/statements";

describe("script templates", () => {
    it("name the file and the variable that has no value", () => {
        assert.throws(
            () => renderSql("sql/audit/trigger.sql", { schema: "public" }),
            /^Error: sql\/audit\/trigger\.sql uses :"trigger_function", and no variable "trigger_function" is given\.$/u,
        );
    });

    it("are the same whatever line ends their files have", async () => {
        await withTempDir(async (folder) => {
            const file = path.join(folder, "script.sql");
            const relative = path.relative(path.join(__dirname, "..", ".."), file);
            const scripts = ["SELECT :'a',\n    2;\n", "SELECT :'a',\r\n    2;\r\n"].map((text) => {
                writeFileSync(file, text);
                return renderSql(relative, { a: "x\r\ny" }).sql;
            });
            assert.equal(scripts[0], "SELECT 'x\r\ny',\n    2;\n");
            assert.equal(scripts[1], scripts[0]);
            return Promise.resolve();
        });
    });

    it("take no variable from Object's prototype", () => {
        assert.throws(() => SqlFragment.each(":'constructor'", [{}]), /no variable "constructor"/u);
    });

    it("keep plain values and fragments apart", () => {
        assert.throws(() => SqlFragment.each(":a", [{ a: "DROP TABLE x" }]), /is a plain value/u);
        assert.throws(
            () => SqlFragment.each(':"a"', [{ a: SqlFragment.identifiers(["x"]) }]),
            /is a fragment/u,
        );
    });

    it("leave casts alone and do not fill in what they have filled in", () => {
        const { sql } = SqlFragment.each(`SELECT :'a'::text, :"a"`, [{ a: `:'b' $& ::"c"` }]);
        assert.equal(sql, `SELECT ':''b'' $& ::"c"'::text, ":'b' $& ::""c"""`);
    });

    it("refuse a column type that is none", () => {
        assert.equal(SqlFragment.type("numeric(10,2)").sql, "numeric(10,2)");
        assert.equal(SqlFragment.type("numeric(10,-3)[]").sql, "numeric(10,-3)[]");
        assert.equal(SqlFragment.type('public."My Type"[]').sql, 'public."My Type"[]');
        for (const type of ["integer; DROP TABLE x", "text'", "text--", "text,--1", 'a"b', ""]) {
            assert.throws(() => SqlFragment.type(type), /not a column type/u);
        }
    });

    it("leave no variable in any of the trail's scripts", () => {
        const rendered = [...foundation(), ...tableObjects(ITEMS), ...triggerObjects(ITEMS)];
        for (const sql of [...rendered.map((file) => file.sql), triggerFunction(ITEMS).body]) {
            assert.doesNotMatch(sql, /(?<!:):["'a-z]/u);
        }
    });

    it("refuse a table whose names would end the function's body", () => {
        for (const name of ["a$$b", "$x$", "$function$"]) {
            assert.throws(() => triggerFunction({ ...ITEMS, table: name }), /dollar quote/u);
            assert.throws(() => triggerFunction({ ...ITEMS, primaryKey: [name] }), /dollar quote/u);
        }
    });
});

describe("values in script templates", () => {
    let server: ScratchServer;
    let client: Client;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
        client = await connect(server);
    });

    after(async () => {
        await client.end();
        await server.stop();
    });

    it("reach the server as they were", async () => {
        await fc.assert(
            fc.asyncProperty(
                fc.string({ unit: "binary", minLength: 1, maxLength: 15 }),
                async (raw) => {
                    const text = raw.replaceAll("\0", "0");
                    const { sql } = SqlFragment.each(`SELECT :'text' AS :"text"`, [{ text }]);
                    const { rows } = await client.query<Record<string, unknown>>(sql);
                    assert.deepEqual(Object.entries(rows[0] ?? {}), [[text, text]]);
                },
            ),
            { numRuns: 200 },
        );
    });
});
