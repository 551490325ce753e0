-- migrate: atomic = false
DROP INDEX users_id;
