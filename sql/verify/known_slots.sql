-- The slots that the task had when somebody looked last; no row before the first look.
SELECT o.slots FROM audit_trail.slot_observation AS o;
