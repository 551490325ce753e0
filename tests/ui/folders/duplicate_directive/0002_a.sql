-- migrate: atomic = false
-- migrate: atomic = true
SELECT 1;
