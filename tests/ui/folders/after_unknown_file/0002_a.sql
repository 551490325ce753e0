-- migrate: after = "0001_initail"
SELECT 1;
