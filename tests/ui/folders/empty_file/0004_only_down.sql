-- migrate: up
-- Nothing yet.
-- migrate: down
SELECT 1;
