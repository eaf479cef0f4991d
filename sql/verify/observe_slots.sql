-- Tells the audit side the names $1 of the source's slots, and the groups $2 whose tasks have just brought a marker; says how many
-- gaps that made.
SELECT audit_trail.observe_slots($1::text[], $2::text[]) AS found;
