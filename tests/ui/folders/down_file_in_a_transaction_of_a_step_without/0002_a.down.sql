-- migrate: atomic = true
DROP INDEX users_id;
