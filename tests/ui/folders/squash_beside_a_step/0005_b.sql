-- migrate: after = "0003_b"
DROP INDEX users_id;
