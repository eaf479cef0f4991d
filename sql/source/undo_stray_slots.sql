-- The slots of this database that nobody reads, that nobody saw DMS's user read, and that were not there before the trail: $1 has
-- the names of those that were.
SELECT s.slot_name
FROM pg_catalog.pg_replication_slots AS s
WHERE s.database = current_database()
    AND s.plugin = 'test_decoding'
    AND NOT s.active
    AND NOT s.temporary
    AND s.slot_name <> ALL ($1::text[])
ORDER BY s.slot_name;
