-- Step 2 on the source: the third item is no longer sold.
DELETE FROM public.items WHERE item_id = 3;
