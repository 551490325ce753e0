-- migrate: after = "0003_c"
SELECT 1;
