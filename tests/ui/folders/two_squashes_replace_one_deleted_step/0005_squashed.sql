-- migrate: replaces = ["0002_index", "0003_no_index"]
CREATE INDEX users_id ON users (id);
