-- migrate: after = ["fill_tiers_2026_11_20"]
-- NOT VALID: holds for new rows from now on and reads none of the old ones, so the lock is brief.
SET LOCAL lock_timeout = '2s';
ALTER TABLE pgbench_accounts
    ADD CONSTRAINT tier_present CHECK (tier IS NOT NULL) NOT VALID;
