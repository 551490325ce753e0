-- migrate: after = ["0002_index", "memory.0001_initial"]
DROP INDEX users_id;
