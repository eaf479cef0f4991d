-- The names $1 as this server writes them, quoted where they need it.
SELECT quote_ident(n.name) AS quoted
FROM unnest($1::text[]) WITH ORDINALITY AS n (name, at)
ORDER BY n.at;
