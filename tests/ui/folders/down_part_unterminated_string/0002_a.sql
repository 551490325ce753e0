-- migrate: up
CREATE INDEX users_id ON users (id);
-- migrate: down
DELETE FROM users WHERE name = 'nobody;
