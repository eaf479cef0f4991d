-- A point to compare at: once this row is in the marker's log, every earlier commit of the source is on the audit side.
INSERT INTO audit_trail.marker (kind) VALUES ('verify') RETURNING marker_id::text AS id, created_at::text AS created_at;
