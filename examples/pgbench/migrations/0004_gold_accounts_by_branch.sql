-- Cannot run in a transaction, and blocks no writer. If it is interrupted, the next run looks whether
-- the index is there and valid before it does anything.
-- migrate: atomic = false
CREATE INDEX CONCURRENTLY gold_accounts_by_branch ON pgbench_accounts (bid) WHERE tier = 'gold';
