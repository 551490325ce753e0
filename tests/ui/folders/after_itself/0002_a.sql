-- migrate: after = "0002_a"
SELECT 1;
