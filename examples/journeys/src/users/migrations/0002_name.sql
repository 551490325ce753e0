-- migrate: up
ALTER TABLE users ADD COLUMN name VARCHAR(120) NOT NULL DEFAULT '';
-- migrate: down
ALTER TABLE users DROP COLUMN name;
