-- migrate: before = "0001_a"
SELECT 1;
