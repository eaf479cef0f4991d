-- Rows first to last of a log that is to be full: updates, a thousand keys after the other, within the last hour.
INSERT INTO {log} (
    operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq
)
SELECT
    'U',
    jsonb_build_object('item_id', k.item_id),
    jsonb_build_object('name', 'item ' || k.item_id, 'price', g % 1000, 'item_id', k.item_id),
    jsonb_build_object('name', 'item ' || k.item_id, 'price', (g + 1) % 1000, 'item_id', k.item_id),
    c.at,
    audit_trail.microseconds(c.at),
    '00000000/' || to_char(g, 'FM00000000') || '.2.00000000/' || to_char(g, 'FM00000000'),
    lpad(g::text, 35, '0')
FROM generate_series($1::bigint, $2::bigint) AS g
CROSS JOIN LATERAL (SELECT 1 + g * $4::bigint / ($3::bigint + 1) AS item_id) AS k
CROSS JOIN LATERAL (SELECT now() - interval '1 hour' + g * interval '1 hour' / $3::bigint AS at) AS c
