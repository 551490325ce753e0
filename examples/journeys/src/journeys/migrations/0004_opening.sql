-- migrate: up
ALTER TABLE journeys ADD COLUMN opening VARCHAR(300) NOT NULL DEFAULT '';
-- migrate: down
ALTER TABLE journeys DROP COLUMN opening;
