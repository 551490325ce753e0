-- migrate: up
CREATE INDEX users_id ON users (id);
-- migrate: down
DROP INDEX CONCURRENTLY users_id;
