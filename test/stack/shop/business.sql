-- A piece of a day's business: so many transactions as one employee makes them, chosen by a seed. Some are rolled back,
-- some in part.
CREATE PROCEDURE hire.do_business(seed double precision, transactions integer) LANGUAGE plpgsql AS $body$
DECLARE
    chosen integer;
    somebody uuid;
    something bigint;
BEGIN
    PERFORM setseed(seed);
    SET search_path = hire, public;
    FOR turn IN 1..transactions LOOP
        chosen := floor(random() * 100);
        -- New rows come from all employees at once; whoever changes rows is alone, so that no deadlock ends the day.
        IF chosen < 50 THEN
            PERFORM pg_advisory_xact_lock_shared(1);
        ELSE
            PERFORM pg_advisory_xact_lock(1);
        END IF;
        SELECT customer_id INTO somebody FROM customer ORDER BY md5(customer_id::text || random()) LIMIT 1;
        CASE
            WHEN chosen < 15 THEN
                INSERT INTO customer ("firstName", "lastName", email)
                    VALUES ('New', 'Customer ' || turn, CASE WHEN turn % 2 = 0 THEN 'n' || turn || '@example.org' END)
                    RETURNING customer_id INTO somebody;
                INSERT INTO address VALUES (somebody, 'home', 'Short Street', 'Łódź'), (somebody, 'work', 'Quay 1', 'Łódź');
            WHEN chosen < 50 THEN
                INSERT INTO hire (frame_number, customer_id, plan_id)
                    SELECT frame_number, somebody, 1 + turn % 3 FROM bike ORDER BY random() LIMIT 1
                    RETURNING hire_id INTO something;
                -- Paid in advance, by instalments: each lies in another partition.
                INSERT INTO payment (hire_id, amount, paid_at)
                    SELECT something, 5 + random() * 90, date '2026-12-30' - make_interval(months => (random() * 48)::integer)
                    FROM generate_series(1, 1 + turn % 3);
            WHEN chosen < 65 THEN
                UPDATE hire SET ended_at = clock_timestamp()
                    WHERE hire_id = (SELECT hire_id FROM hire WHERE ended_at IS NULL ORDER BY random() LIMIT 1)
                    RETURNING hire_id INTO something;
                UPDATE bike SET kilometres = kilometres + random() * 40, depot_id = 1 + turn % 4
                    WHERE frame_number = (SELECT frame_number FROM hire WHERE hire_id = something);
                IF turn % 4 = 0 AND something IS NOT NULL THEN
                    INSERT INTO "Damage Report" (hire_id, "What (in words)", photos)
                        VALUES (something, repeat('scratch ', turn % 900), ARRAY[sha256(turn::text::bytea), NULL]);
                    INSERT INTO repair
                        SELECT frame_number, date '2026-12-01', 1 + turn % 20, '{"chain": 1,  "bell": null}', random() * 3
                        FROM hire WHERE hire_id = something
                        ON CONFLICT (frame_number, done_on) DO UPDATE SET hours = repair.hours + excluded.hours;
                END IF;
            WHEN chosen < 75 THEN
                UPDATE model SET price = round(price * 1.01, 2), rating = 'touring', description = description || ' New.'
                    WHERE model_id = 1 + turn % 120;
                UPDATE model SET features = features || ('feature ' || turn)::text WHERE model_id = 1 + (turn + 7) % 120;
            WHEN chosen < 83 THEN
                INSERT INTO reservation VALUES (somebody, 1 + turn % 120, date '2026-12-01' + turn % 60, 'note ' || turn)
                    ON CONFLICT (customer_id, model_id, wanted_on) DO UPDATE SET note = excluded.note;
            WHEN chosen < 88 THEN
                UPDATE payment SET amount = -amount
                    WHERE payment_id = (SELECT payment_id FROM payment ORDER BY random() LIMIT 1);
            WHEN chosen < 92 THEN
                -- Addresses and reservations go with the customer, hires stay.
                DELETE FROM customer WHERE customer_id = somebody;
            WHEN chosen < 95 THEN
                DELETE FROM model_category WHERE model_id = 1 + turn % 120;
                INSERT INTO model_category SELECT 1 + turn % 120, code FROM category;
            WHEN chosen < 97 THEN
                UPDATE "Damage Report" SET settled = NOT coalesce(settled, false), photos = NULL;
                UPDATE employee SET password_hash = md5(random()::text) WHERE employee_id = 1 + turn % 20;
            ELSE
                BEGIN
                    DELETE FROM address;
                    RAISE EXCEPTION 'the employee thinks better of it';
                EXCEPTION WHEN raise_exception THEN
                    UPDATE opening_hours SET closes = closes + interval '1 minute' WHERE depot_id = 1 + turn % 4;
                END;
        END CASE;
        IF turn % 17 = 0 THEN
            ROLLBACK;
        ELSE
            COMMIT;
        END IF;
    END LOOP;
END
$body$;
