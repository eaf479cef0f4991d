-- Enters a count of a table's log.
SELECT audit_trail.enter_count(
    :'schema', :'table', $1::xid8, $2::xid8, $3::timestamptz, $4::bigint, $5::numeric
);
