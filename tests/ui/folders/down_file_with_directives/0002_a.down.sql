-- migrate: after = "0001_initial", foreign_keys = off
DROP INDEX users_id;
