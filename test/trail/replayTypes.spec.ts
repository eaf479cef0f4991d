import assert from "node:assert/strict";
import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { ACCEPTED } from "../../testing/pipeline/typeCases";
import { definitionOf, type Trail, trailServer } from "../../testing/trailDatabase";

/** A domain arrives as its base type; where the types of extensions come from. */
const STAGED: Readonly<Record<string, string>> = {
    price: "numeric(8,2)",
    citext: "public.citext",
    hstore: "public.hstore",
};
const EXTENSIONS: Readonly<Record<string, string>> = {
    "public.citext": "citext",
    "public.hstore": "hstore",
};

const COLUMNS = ACCEPTED.map(({ type, values }, at) => ({
    name: `c${at} ${type}`,
    type: STAGED[type] ?? type,
    values,
}));
const PLAIN = definitionOf(
    "public",
    "typed",
    { id: "integer", ...Object.fromEntries(COLUMNS.map(({ name, type }) => [name, type])) },
    ["id"],
);
const TYPED = {
    ...PLAIN,
    columns: PLAIN.columns.map((column) => {
        const name = EXTENSIONS[column.type];
        return name === undefined ? column : { ...column, extension: { name, schema: "public" } };
    }),
};
const ROUNDS = Math.max(...COLUMNS.map(({ values }) => values.length));
const AT = "2026-11-23 10:00:00.123456";

/** What a conflict policy takes away and puts back, and what comes again, must be the same value whatever its type is. */
describe("a change that comes again", function () {
    this.timeout(60_000);
    let trail: Trail;
    let dms: Client;
    let lsn = 0x1000;

    before(async () => {
        trail = await trailServer([TYPED]);
        ({ dms } = trail);
    });
    after(async () => {
        await trail.stop();
    });

    function position(): string {
        lsn += 0x10;
        return `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
    }

    function values(round: number): string[] {
        return COLUMNS.map(
            ({ values: all, type }) =>
                `CAST(${escapeLiteral(all[round % all.length] ?? "")} AS ${type})`,
        );
    }

    function headers(operation: string, at: string): string {
        return `${escapeLiteral(operation)}, ${escapeLiteral(AT)}, ${escapeLiteral(at)}, ${escapeLiteral(at)}`;
    }

    async function insert(key: number, round: number, at: string, again = false): Promise<void> {
        await dms.query("BEGIN");
        if (again) {
            await dms.query("DELETE FROM typed_staging WHERE id = $1", [key]);
        }
        await dms.query(
            `INSERT INTO typed_staging VALUES (${key}, ${values(round).join(", ")}, ${headers("I", at)})`,
        );
        await dms.query("COMMIT");
    }

    async function change(
        key: number,
        operation: string,
        round: number,
        at: string,
    ): Promise<void> {
        const sets = COLUMNS.map(
            ({ name }, column) => `${escapeIdentifier(name)} = ${values(round)[column] ?? "NULL"}`,
        );
        await dms.query(
            `UPDATE typed_staging SET ${sets.join(", ")},
                (audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq) =
                    ROW(${headers(operation, at).replace(escapeLiteral(AT), `CAST(${escapeLiteral(AT)} AS timestamp)`)})
                WHERE id = ${key}`,
        );
    }

    async function staged(key: number): Promise<unknown> {
        const { rows } = await dms.query<{ row: string }>(
            "SELECT CAST(s.* AS text) AS row FROM typed_staging AS s WHERE id = $1",
            [key],
        );
        return rows[0]?.row;
    }

    async function logged(key: number): Promise<string> {
        const { rows } = await trail.reader.query<{ operations: string }>(
            `SELECT coalesce(string_agg(trim(operation), '' ORDER BY audit_id), '') AS operations
                FROM typed_audit_log WHERE row_key = jsonb_build_object('id', $1::int)`,
            [key],
        );
        return rows[0]?.operations ?? "";
    }

    for (let round = 0; round < ROUNDS; round += 1) {
        it(`leaves every type's values as they are, round ${round + 1} of ${ROUNDS}`, async () => {
            const key = round + 1;
            const [first, second, third] = [position(), position(), position()];
            await insert(key, round, first);
            await change(key, "U", round + 1, second);
            const before = await staged(key);

            dms = await trail.reconnectDms();
            await insert(key, round, first, true);
            assert.equal(await staged(key), before, "after the insert came again");
            await change(key, "U", round + 1, second);
            assert.equal(await staged(key), before, "after the update came again");
            assert.equal(await logged(key), "IU");

            await change(key, "D", round + 1, third);
            dms = await trail.reconnectDms();
            await insert(key, round, first);
            await change(key, "U", round + 1, second);
            assert.equal(await staged(key), undefined);
            assert.equal(await logged(key), "IUD");
            const { rows } = await trail.reader.query("SELECT kind FROM audit_trail.known_gap");
            assert.deepEqual(rows, []);
        });
    }
});
