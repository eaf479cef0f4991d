-- The WAL of every update and delete carries the whole old row. The trail does not need it; it costs WAL.
ALTER TABLE :"schema".:"table" REPLICA IDENTITY FULL;
