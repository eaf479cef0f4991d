-- Enters into the gap ledger, once, that markers of the source are in no log: between $1 and $2, of what $3 tells.
SELECT audit_trail.record_once(NULL, NULL, 'marker missing', $1::timestamptz, $2::timestamptz, $3::jsonb) AS found;
