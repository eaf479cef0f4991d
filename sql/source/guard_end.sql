-- The session is a member of nobody any more whom it became a member of.
SELECT audit_trail.return_owners();
