-- What DMS's transactional apply runs for an update, an insert and a flagged delete.
PREPARE {name}_update AS
    UPDATE {staging}
    SET item_id = $1, name = $2, price = $3, audit_trail_operation = $4, audit_trail_commit_timestamp = $5,
        audit_trail_stream_position = $6, audit_trail_change_seq = $7
    WHERE item_id = $8;
PREPARE {name}_insert AS
    INSERT INTO {staging} (
        item_id, name, price, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position,
        audit_trail_change_seq
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7);
PREPARE {name}_delete AS
    UPDATE {staging}
    SET name = $1, price = $2, audit_trail_operation = $3, audit_trail_commit_timestamp = $4,
        audit_trail_stream_position = $5, audit_trail_change_seq = $6
    WHERE item_id = $7;
