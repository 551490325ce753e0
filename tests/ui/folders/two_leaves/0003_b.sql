-- migrate: after = "0001_initial"
DROP INDEX users_id;
