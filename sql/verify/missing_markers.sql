-- Those of the markers with the numbers $1 and the times $2 (same length) that one group's task has never brought.
SELECT m.id::text AS id
FROM unnest($1::bigint[], $2::timestamptz[]) AS m (id, created_at)
WHERE NOT EXISTS (
    SELECT
    FROM audit_trail.:"audit_log" AS l
    WHERE l.row_key = jsonb_build_object('marker_id', m.id)
        AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) = m.created_at
);
