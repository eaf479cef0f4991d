PREPARE bare_insert AS
    INSERT INTO bare_log
        (operation, row_key, old_row_data, new_row_data, commit_timestamp, stream_position, change_seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7);
