-- migrate: run = "0001_initial"
SELECT 1;
