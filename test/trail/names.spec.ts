import assert from "node:assert/strict";
import fc from "fast-check";
import { fitIdentifier, formatTableName, parseTableName, trailNames } from "../../trail/names";

const identifier = fc
    .string({ unit: "binary", minLength: 1, maxLength: 60 })
    .filter((name) => !name.includes("\0") && Buffer.byteLength(name) <= 63);

describe("names of the trail", () => {
    it("follow the table's", () => {
        const names = trailNames({ schema: "public", table: "items" });
        assert.equal(names.staging, "items_staging");
        assert.equal(names.auditLog, "items_audit_log");
        assert.equal(names.partitionPrefix, "items_audit_log_");
        assert.equal(names.tombstone, "public_items_tombstone");
    });

    it("fit into an identifier, keep their suffix and break no character", () => {
        fc.assert(
            fc.property(
                identifier,
                fc.constantFrom("_staging", "_audit_log_default"),
                (base, suffix) => {
                    const name = fitIdentifier(base, suffix);
                    assert.ok(Buffer.byteLength(name) <= 63);
                    assert.ok(name.endsWith(suffix));
                    assert.ok(!name.includes("\uFFFD") || base.includes("\uFFFD"));
                    assert.equal(Buffer.from(name).toString(), name);
                    assert.equal(fitIdentifier(base, suffix), name);
                },
            ),
        );
    });

    it("of different long tables differ", () => {
        const long = "a".repeat(62);
        const [one, two] = [
            trailNames({ schema: "s", table: `${long}b` }),
            trailNames({ schema: "s", table: `${long}c` }),
        ];
        for (const key of Object.keys(one) as (keyof typeof one)[]) {
            assert.notEqual(one[key], two[key]);
        }
    });

    it("leave room for every partition's name", () => {
        fc.assert(
            fc.property(identifier, (table) => {
                const { partitionPrefix } = trailNames({ schema: "s", table });
                assert.ok(Buffer.byteLength(`${partitionPrefix}y2026m11`) <= 63);
            }),
        );
    });
});

describe("table names in the configuration", () => {
    it("are read as written", () => {
        assert.deepEqual(parseTableName("public.items"), { schema: "public", table: "items" });
        assert.deepEqual(parseTableName("My Schema.Items"), {
            schema: "My Schema",
            table: "Items",
        });
        assert.deepEqual(parseTableName('"a.b"."c""d"'), { schema: "a.b", table: 'c"d' });
    });

    it("come back from their own text", () => {
        fc.assert(
            fc.property(identifier, identifier, (schema, table) => {
                assert.deepEqual(parseTableName(formatTableName({ schema, table })), {
                    schema,
                    table,
                });
            }),
        );
    });

    for (const text of [
        "items",
        "a.b.c",
        ".items",
        "public.",
        '"public.items',
        'public."items',
        '""."x"',
        'pub"lic.items',
        "",
    ]) {
        it(`are refused when they are not schema.table: ${text}`, () => {
            assert.throws(() => parseTableName(text), /write schema\.table/u);
        });
    }

    it("are refused when PostgreSQL would cut them", () => {
        assert.throws(() => parseTableName(`public.${"ü".repeat(32)}`), /63 bytes/u);
    });
});
