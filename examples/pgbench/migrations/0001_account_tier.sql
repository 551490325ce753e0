-- ACCESS EXCLUSIVE on one table, for as long as it takes to write the catalogue: a column without a
-- default rewrites nothing. Behind a long transaction it would make everybody wait, so it gives up
-- after two seconds instead; the step is atomic, and the next run tries again.
SET LOCAL lock_timeout = '2s';
ALTER TABLE pgbench_accounts ADD COLUMN tier text;
