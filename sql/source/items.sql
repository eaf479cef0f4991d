-- The demo table. A table that is already there stays as it is.
CREATE TABLE IF NOT EXISTS public.items (
    item_id integer PRIMARY KEY,
    name varchar(100) NOT NULL,
    price numeric(10, 2) NOT NULL
);
