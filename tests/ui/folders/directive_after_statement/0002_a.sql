SELECT 1;
-- migrate: atomic = false
