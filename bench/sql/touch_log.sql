-- Looks into every page of the log's index of keys. DMS's session stays for days and knows them all; a new one pays for the
-- first look at each page, which is nothing that the size of the log costs.
SET enable_seqscan = off;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM {log} WHERE jsonb_hash_extended(row_key, 0) IS NOT NULL;
RESET max_parallel_workers_per_gather;
RESET enable_seqscan;
