-- Tells the audit side the names $1 of the source's slots; says how many gaps that made.
SELECT audit_trail.observe_slots($1::text[]) AS found;
