-- The workload's table: the demo's.
CREATE TABLE items (
    item_id integer PRIMARY KEY,
    name varchar(100) NOT NULL,
    price numeric(10, 2) NOT NULL
);
