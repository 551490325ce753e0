-- migrate: down
SELECT 2;
