-- Whether transactions can be prepared at the source, and how many are.
SELECT
    current_setting('max_prepared_transactions')::integer AS allowed,
    (SELECT count(*)::integer FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = current_database()) AS prepared;
