-- Reads the whole table under SHARE UPDATE EXCLUSIVE, which lets reads and writes pass.
ALTER TABLE pgbench_accounts VALIDATE CONSTRAINT tier_present;
