-- The time of a row in one statement for many rows, in microseconds, by kind of statement. The rows that it inserts, it
-- deletes.
DO $do$
DECLARE
    started timestamptz;
    micros jsonb := '{}';
BEGIN
    started := clock_timestamp();
    INSERT INTO {table} SELECT -i, 'guarded', 1 FROM generate_series(1, {steps}) AS i;
    micros := micros || jsonb_build_object('insert', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    started := clock_timestamp();
    UPDATE {table} SET price = price + 1 WHERE item_id BETWEEN 1 AND {steps};
    micros := micros || jsonb_build_object('update', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    started := clock_timestamp();
    DELETE FROM {table} WHERE item_id < 0;
    micros := micros || jsonb_build_object('delete', extract(epoch FROM clock_timestamp() - started) * 1e6 / {steps});
    PERFORM set_config('bench.micros', micros::text, false);
END
$do$;
