-- migrate: after = "0001_initial"
CREATE INDEX users_id ON users (id);
