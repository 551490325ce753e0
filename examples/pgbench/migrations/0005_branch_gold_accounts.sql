SET LOCAL lock_timeout = '2s';
ALTER TABLE pgbench_branches ADD COLUMN gold_accounts integer;
