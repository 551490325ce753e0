-- migrate: up
CREATE INDEX users_id ON users (id);
-- migrate: down
BEGIN;
DROP INDEX users_id;
