-- What the trail's own tables must hold, as facts: a kind of gap that has been made harmless hides nothing any more, without
-- its token a log's function takes its own writes for changes, and without a version an older program may deploy.
SELECT
    format('%I.gap_kind', :'schema') AS name,
    CAST(NULL AS text) AS part_of,
    'row' AS aspect,
    k.kind AS item,
    k.hides_changes::text AS value
FROM :"schema".gap_kind AS k
UNION ALL
SELECT format('%I.own_write', :'schema'), NULL, 'number of rows', '', count(*)::text FROM :"schema".own_write
UNION ALL
SELECT format('%I.schema_version', :'schema'), NULL, 'version', '', coalesce(max(v.version)::text, 'none') FROM :"schema".schema_version AS v;
