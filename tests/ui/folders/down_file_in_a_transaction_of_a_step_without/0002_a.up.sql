-- migrate: atomic = false
CREATE INDEX users_id ON users (id);
