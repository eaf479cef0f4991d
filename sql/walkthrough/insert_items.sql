-- Step 1 on the source: five items for sale.
INSERT INTO public.items (item_id, name, price)
VALUES
    (1, 'Mouse', 19.95),
    (2, 'Keyboard', 34.95),
    (3, 'Webcam', 79.00),
    (4, 'Monitor', 249.00),
    (5, 'Headset', 59.50)
-- A walk-through that was interrupted here is run again.
ON CONFLICT (item_id) DO NOTHING;
