-- migrate: after = "initial"
SELECT 1;
