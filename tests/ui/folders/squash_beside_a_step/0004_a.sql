-- migrate: after = "0002_index"
CREATE INDEX users_id ON users (id);
