import assert from "node:assert/strict";
import type { Client } from "pg";
import { ITEMS, type Trail, trailServer } from "../../testing/trailDatabase";

const NOW = new Date().toISOString();

/** Every table whose rows nobody may change, a partition of the log among them. */
const KEPT = [
    "items_audit_log",
    `items_audit_log_y${NOW.slice(0, 4)}m${NOW.slice(5, 7)}`,
    "items_audit_log_default",
    "audit_trail.gap",
    "audit_trail.unlogged_change",
    "audit_trail.brought_back",
];

const CHANGES: Readonly<Record<string, (table: string) => string>> = {
    UPDATE: (table) =>
        table.startsWith("items")
            ? `UPDATE ${table} SET new_row_data = '{}'`
            : `UPDATE ${table} SET ${table === "audit_trail.brought_back" ? "brought_back_at" : "recorded_at"} = now()`,
    DELETE: (table) => `DELETE FROM ${table}`,
    // With what refers to it, which would refuse before the trigger does.
    TRUNCATE: (table) => `TRUNCATE ${table} CASCADE`,
};

describe("what is logged stays", () => {
    let trail: Trail;

    before(async function () {
        this.timeout(60_000);
        trail = await trailServer([ITEMS]);
        await trail.dms.query(
            `INSERT INTO items_staging VALUES (1, 'a', 1.50, 'I', '${NOW}', '', '')`,
        );
        // One row in the default partition and in each ledger, so that there is something to change.
        await trail.dms.query(
            "INSERT INTO items_staging VALUES (2, 'a', 1.50, 'I', '2001-01-01 00:00:00', '', ''), (3, 'a', 1, '?', NULL, 'x', 'x')",
        );
        await trail.dms.query("TRUNCATE items_staging");
        await trail.superuser.query("INSERT INTO audit_trail.brought_back VALUES (1)");
    });

    after(async () => {
        await trail.stop();
    });

    for (const table of KEPT) {
        it(`has rows to protect in ${table}`, async () => {
            const { rows } = await trail.reader.query(
                `SELECT FROM ${table.replace(/_(?:y\d{4}m\d\d|default)$/u, "")}`,
            );
            assert.ok(rows.length > 0);
        });

        for (const [name, statement] of Object.entries(CHANGES)) {
            const people: Record<string, [() => Client, RegExp]> = {
                master: [
                    () => trail.master,
                    /is append-only: (?:UPDATE|DELETE|TRUNCATE) is refused/u,
                ],
                "the superuser": [() => trail.superuser, /is append-only/u],
                "an auditor": [() => trail.reader, /permission denied/u],
                "an operator": [() => trail.operator, /permission denied/u],
                DMS: [() => trail.dms, /permission denied/u],
            };
            for (const [who, [client, message]] of Object.entries(people)) {
                it(`${name} of ${table} by ${who} is refused`, async () => {
                    await assert.rejects(client().query(statement(table)), message);
                });
            }
        }

        for (const [who, client] of [
            ["an auditor", () => trail.reader],
            ["an operator", () => trail.operator],
            ["DMS", () => trail.dms],
        ] as const) {
            it(`${table} is not ${who}'s to drop, alter or fill`, async () => {
                for (const statement of [
                    `DROP TABLE ${table}`,
                    `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
                    `INSERT INTO ${table} DEFAULT VALUES`,
                ]) {
                    await assert.rejects(
                        client().query(statement),
                        /must be owner|permission denied/u,
                    );
                }
            });
        }
    }

    it("also in a session that disables triggers", async () => {
        await trail.superuser.query("SET session_replication_role = replica");
        try {
            for (const table of KEPT) {
                for (const statement of Object.values(CHANGES)) {
                    await assert.rejects(
                        trail.superuser.query(statement(table)),
                        /is append-only/u,
                    );
                }
            }
        } finally {
            await trail.superuser.query("RESET session_replication_role");
        }
    });

    it("lets nothing of a row change but its new image, in the transaction that wrote it", async () => {
        const columns = [
            "operation = 'U'",
            "row_key = '{}'",
            "old_row_data = '{}'",
            "commit_timestamp = commit_timestamp - interval '1 us'",
            "stream_position = 'x'",
            "change_seq = 'x'",
            "recorded_at = now()",
            "applied_xid = '1'",
        ];
        for (const column of columns) {
            await trail.master.query("BEGIN");
            await trail.master.query(
                `INSERT INTO items_audit_log (operation, row_key, commit_timestamp, stream_position, change_seq)
                    VALUES ('I', '{"item_id": 9}', '2026-11-23', '', '')`,
            );
            await trail.master.query(
                `UPDATE items_audit_log SET new_row_data = '{}' WHERE row_key = '{"item_id": 9}'`,
            );
            await assert.rejects(
                trail.master.query(
                    `UPDATE items_audit_log SET ${column} WHERE row_key = '{"item_id": 9}'`,
                ),
                /is append-only/u,
            );
            await trail.master.query("ROLLBACK");
        }
    });

    it("keeps DMS and auditors out of the trail's own tables and functions", async () => {
        for (const client of [trail.dms, trail.reader]) {
            for (const statement of [
                "SELECT audit_trail.add_partitions('public.items_audit_log', 'items_audit_log_')",
                "SELECT audit_trail.fit_column('public.items_staging', 'x', 'text', false, NULL)",
                "SELECT audit_trail.fill_columns('public.items_staging', 'name = NULL')",
                "SELECT audit_trail.put_log_trigger('public', 'items', 'f', 'g')",
                "SELECT audit_trail.log_trigger_arguments('public', 'items')",
                "SELECT audit_trail.register_table('public', 'items', '', '', '', '', '{}', '', '[]')",
                "SELECT * FROM audit_trail.public_items_tombstone",
                "SELECT * FROM audit_trail.own_write",
                "SELECT audit_trail.is_own_write()",
                "CREATE TABLE audit_trail.x ()",
                "DROP TRIGGER log_change ON items_staging",
                "ALTER TABLE items_staging DISABLE TRIGGER log_change",
                "ALTER TABLE items_staging DISABLE TRIGGER keep_removed_row",
                "SET ROLE audit_trail_owner",
            ]) {
                await assert.rejects(
                    client.query(statement),
                    /permission denied|must be owner|must be able/u,
                    statement,
                );
            }
        }
    });

    it("lends its owner's rights to nobody's operators and functions", async () => {
        await trail.superuser.query(`
            CREATE SCHEMA guest; GRANT USAGE ON SCHEMA guest TO PUBLIC;
            CREATE FUNCTION guest.equal(text, text) RETURNS boolean LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
            CREATE FUNCTION guest.equal(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
            CREATE FUNCTION guest.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
            CREATE FUNCTION guest.jsonb_hash_extended(jsonb, bigint) RETURNS bigint LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted code runs as %', current_user; END $f$;
            CREATE OPERATOR guest.= (LEFTARG = text, RIGHTARG = text, FUNCTION = guest.equal);
            CREATE OPERATOR guest.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = guest.equal);
            CREATE OPERATOR guest.= (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = guest.equal)`);
        const calls: readonly (readonly [Client, readonly string[]])[] = [
            [
                await trail.reconnectDms(),
                [
                    "INSERT INTO public.items_staging VALUES (8, 'a', 1, 'I', '2026-11-20 10:00', '00000000/00000010', '1')",
                    "UPDATE public.items_staging SET audit_trail_operation = 'U', audit_trail_stream_position = '00000000/00000020'",
                    "UPDATE public.items_staging SET name = 'again', audit_trail_stream_position = '00000000/00000010'",
                    "DELETE FROM public.items_staging",
                    "TRUNCATE public.items_staging",
                ],
            ],
            [
                trail.operator,
                [
                    "CALL audit_trail.maintain()",
                    "SELECT audit_trail.collect_gaps()",
                    "SELECT audit_trail.begin_reload('public', 'items')",
                    "SELECT audit_trail.end_reload('public', 'items', true)",
                    "SELECT audit_trail.acknowledge(max(gap_id), 'test') FROM audit_trail.gap",
                ],
            ],
            [
                trail.reader,
                [
                    `SELECT * FROM audit_trail.row_history('public', 'items', '{"item_id": 8}')`,
                    "SELECT * FROM audit_trail.as_of('public', 'items', now())",
                    `SELECT FROM public.items_audit_log WHERE audit_trail.is_key(row_key, '{"item_id": 8}')`,
                ],
            ],
        ];
        for (const [client, statements] of calls) {
            // A table of the session's own under a name of the trail, or of the catalog, stands behind all of them.
            await client.query(
                "SET search_path = guest, pg_temp, pg_catalog; CREATE TEMP TABLE audited_table (); CREATE TEMP TABLE pg_trigger ()",
            );
            for (const statement of statements) {
                await client.query(statement);
            }
            await client.query(
                "RESET search_path; DROP TABLE pg_temp.audited_table, pg_temp.pg_trigger",
            );
        }
        const { rows } = await trail.superuser.query(
            "SELECT message FROM audit_trail.unlogged_change WHERE message LIKE 'planted%'",
        );
        assert.deepEqual(rows, []);
    });

    it("pins the search path of all that runs with its owner's rights, and hides it from the public", async () => {
        const { rows } = await trail.superuser.query<{ name: string }>(`
            SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
            WHERE p.pronamespace = 'audit_trail'::regnamespace
                AND (p.prosecdef AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))
                    OR has_function_privilege('public', p.oid, 'EXECUTE'))`);
        assert.deepEqual(rows, []);
    });
});
