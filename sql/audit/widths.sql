-- Before anything is made of any table: each staging table must have room for the columns that it is to get.
SELECT audit_trail.check_width(w.about, to_regclass(w.staging_name), w.wanted)
FROM (VALUES
    :tables
) AS w (about, staging_name, wanted);
