-- Holds one table of the source as it is until the transaction ends, and fails if it cannot be read safely. Its owner is not the
-- reader: under the same name a view could be put, whose functions run with the reader's rights. So would the casts of a type
-- that somebody has made: no column may have one that was not known when the reading statements were made.
LOCK TABLE ONLY :"schema".:"table" IN ACCESS SHARE MODE;

DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        WHERE c.oid = pg_catalog.to_regclass(:'table_name')
            AND (
                c.relkind = 'r'
                -- Its partitions are its own: they are locked when it is read, and another cannot take their place by its name alone.
                OR c.relkind = 'p'
                AND NOT EXISTS (
                    SELECT
                    FROM pg_catalog.pg_partition_tree(c.oid) AS t
                    JOIN pg_catalog.pg_class AS l ON l.oid = t.relid
                    WHERE l.relkind NOT IN ('r', 'p')
                )
            )
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND a.attname <> ALL (ARRAY[:known_columns]::name[])
                    -- A domain is read as the type that it is made of.
                    AND CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END >= 16384
            )
    ) THEN
        RAISE EXCEPTION '% is not a plain table, or has got a column of a type that somebody made', :'table_name';
    END IF;
END
$do$;
