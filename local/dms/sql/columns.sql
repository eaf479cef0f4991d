-- Columns of one table; keyPosition orders the columns of the primary key. INCLUDE columns lie in its index behind them and
-- are no part of the key.
SELECT a.attname AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       t.typtype <> 'b' OR t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace AS "userDefined",
       pg_catalog.array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum) AS "keyPosition"
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = $1
  AND c.relname = $2
  AND c.relkind IN ('r', 'p')
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum;
