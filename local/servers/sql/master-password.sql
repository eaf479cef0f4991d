-- The statement that changes the master user's password; $1 = its name, $2 = the new password.
SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text) AS statement;
