-- What the kinds of gap mean, as facts: a kind that has been made harmless hides nothing any more.
SELECT format('%I.gap_kind', :'schema') AS name, NULL AS part_of, 'row' AS aspect, k.kind AS item, k.hides_changes::text AS value
FROM :"schema".gap_kind AS k;
