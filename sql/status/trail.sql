-- How many tables are audited, in how many groups, and what the ledgers have that nobody has explained or mended yet.
SELECT
    -- Without the trail's own markers.
    (
        SELECT count(*)
        FROM audit_trail.audited_table AS t
        WHERE t.left_after IS NULL AND t.table_schema <> 'audit_trail'
    )::integer AS tables,
    -- Each has a task, which brings markers of its own.
    (
        SELECT count(*)
        FROM audit_trail.audited_table AS t
        WHERE t.left_after IS NULL AND t.table_schema = 'audit_trail'
    )::integer AS groups,
    (
        SELECT count(*)
        FROM audit_trail.gap AS g
        LEFT JOIN audit_trail.gap_kind AS k ON k.kind = g.kind
        -- A kind that nobody knows may hide anything.
        WHERE coalesce(k.hides_changes, true)
            AND NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS a WHERE a.gap_id = g.gap_id)
    )::integer AS open_gaps,
    (SELECT count(*) FROM audit_trail.unlogged_change AS u)::integer AS unlogged_changes,
    (
        SELECT count(*)
        FROM audit_trail.unlogged_change AS u
        JOIN audit_trail.brought_back AS b ON b.unlogged_id = u.unlogged_id
    )::integer AS brought_back;
