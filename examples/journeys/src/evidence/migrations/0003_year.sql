-- migrate: up
ALTER TABLE sources ADD COLUMN published INTEGER;
-- migrate: down
ALTER TABLE sources DROP COLUMN published;
