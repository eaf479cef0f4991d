-- Enters into the gap ledger, once, that DMS has cut column $2 of the row with key $1.
SELECT audit_trail.record_once(
    :'schema',
    :'staging',
    'lob truncated',
    NULL,
    NULL,
    jsonb_build_object('row_key', $1::jsonb, 'column', $2::text)
) AS found;
