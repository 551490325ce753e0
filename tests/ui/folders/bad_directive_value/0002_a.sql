-- migrate: atomic = maybe
SELECT 1;
