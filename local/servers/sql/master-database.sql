-- The statement that makes the cluster's database; $1 = its name, $2 = the master user, its owner.
SELECT format('CREATE DATABASE %I OWNER %I', $1::text, $2::text) AS statement;
