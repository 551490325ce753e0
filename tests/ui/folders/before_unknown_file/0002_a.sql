-- migrate: before = "0003_c"
SELECT 1;
