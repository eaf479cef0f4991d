-- The time of one statement for one row, in microseconds, by kind of statement. The rows that it inserts, it deletes.
DO $do$
DECLARE
    started timestamptz;
    micros jsonb := '{}';
BEGIN
    started := clock_timestamp();
    FOR i IN 1..{steps} LOOP
        INSERT INTO {table} VALUES (-i, 'guarded', 1);
    END LOOP;
    micros := micros || jsonb_build_object('insert', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    started := clock_timestamp();
    FOR i IN 1..{steps} LOOP
        UPDATE {table} SET price = price + 1 WHERE item_id = i;
    END LOOP;
    micros := micros || jsonb_build_object('update', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    started := clock_timestamp();
    FOR i IN 1..{steps} LOOP
        DELETE FROM {table} WHERE item_id = -i;
    END LOOP;
    micros := micros || jsonb_build_object('delete', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    PERFORM set_config('bench.micros', micros::text, false);
END
$do$;
