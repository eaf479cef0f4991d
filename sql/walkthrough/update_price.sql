-- Step 3 on the source: the keyboard gets cheaper.
UPDATE public.items SET price = 29.95 WHERE item_id = 2;
