-- Code of somebody else that runs with the rights of whoever changes a table: of a deployment, or of maintenance. What an
-- extension brought is the extension's.
SELECT format('the event trigger %I runs %s in every session', e.evtname, e.evtfoid::regproc) AS finding
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e'
    );
