-- All markers that the source has.
SELECT m.marker_id::text AS id, m.created_at::text AS created_at FROM audit_trail.marker AS m ORDER BY m.marker_id;
