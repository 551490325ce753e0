-- migrate: after = "user.0001_initial"
SELECT 1;
