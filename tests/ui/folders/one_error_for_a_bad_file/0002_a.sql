-- migrate: atomik = false
SELECT 1;
