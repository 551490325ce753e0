-- migrate: up
CREATE INDEX users_id ON users (id);
-- migrate: down
PRAGMA foreign_keys = OFF;
DROP INDEX users_id;
