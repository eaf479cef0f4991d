-- What the shop has on its first day.
SET search_path = hire, public;
INSERT INTO maker (name) SELECT 'Maker ' || g FROM generate_series(1, 8) AS g;
INSERT INTO category VALUES ('CIT', 'City'), ('TOU', 'Touring'), ('RAC', 'Racing'), ('KID', 'Children');
INSERT INTO model (maker_id, title, description, built_since, rating, features, price)
SELECT
    1 + g % 8,
    'Model ' || g,
    CASE WHEN g % 5 > 0 THEN repeat('A fine machine of steel, made to last. ', g % 60) END,
    1990 + g % 36,
    (enum_range(NULL::rating))[1 + g % 3],
    ARRAY['gears ' || g % 27, 'lights "on"', NULL],
    300 + g * 7.25
FROM generate_series(1, 120) AS g;
INSERT INTO model_category
SELECT m.model_id, c.code FROM model AS m, category AS c WHERE (m.model_id + ascii(c.code)) % 3 = 0;
INSERT INTO depot SELECT g, 'Depot ' || g, point(52 + g / 10.0, 13 + g / 7.0) FROM generate_series(1, 4) AS g;
INSERT INTO opening_hours SELECT d, w, time '08:00', time '18:30' FROM generate_series(1, 4) AS d, generate_series(1, 6) AS w;
INSERT INTO employee (depot_id, reports_to, name, password_hash, picture)
SELECT 1 + g % 4, CASE WHEN g > 4 THEN 1 + g % 4 END, 'Employee ' || g, md5(g::text), sha512(g::text::bytea)
FROM generate_series(1, 20) AS g;
INSERT INTO customer ("firstName", "lastName", email, "preferences", last_login)
SELECT
    'Ada ' || g, 'O''Neill-' || g, 'c' || g || '@example.org',
    jsonb_build_object('saddle', g % 40, 'news', g % 2 = 0), inet '10.0.0.0' + g
FROM generate_series(1, 400) AS g;
INSERT INTO address SELECT customer_id, 'home', 'Long Street ' || left("lastName", 12), 'Münster' FROM customer;
INSERT INTO bike
SELECT 'F-' || lpad(g::text, 6, '0'), 1 + g % 120, 1 + g % 4, date '2020-01-01' + g, g * 1.1
FROM generate_series(1, 300) AS g;
INSERT INTO rate_plan VALUES
    (1, 'Hour', '1 hour', '{4.50, 4.00}'),
    (2, 'Day', '1 day', '{2.00}'),
    (3, 'Month', '1 mon 2 days 03:04:05.678', '{}');
INSERT INTO hire (frame_number, customer_id, plan_id, began_at, ended_at)
SELECT b.frame_number, c.customer_id, 1 + n % 3, stamp, stamp + interval '5 hours'
FROM generate_series(1, 600) AS n
CROSS JOIN LATERAL (SELECT timestamptz '2022-11-02 09:00Z' + n * interval '2.4 days') AS t (stamp)
CROSS JOIN LATERAL (SELECT frame_number FROM bike ORDER BY md5(frame_number || n) LIMIT 1) AS b
CROSS JOIN LATERAL (SELECT customer_id FROM customer ORDER BY md5("lastName" || n) LIMIT 1) AS c;
INSERT INTO payment (hire_id, amount, paid_at) SELECT hire_id, 9.90 + hire_id % 80, ended_at AT TIME ZONE 'UTC' FROM hire;
