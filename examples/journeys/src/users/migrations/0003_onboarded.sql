-- migrate: up
ALTER TABLE users ADD COLUMN onboarded INTEGER NOT NULL DEFAULT 0;
-- migrate: down
ALTER TABLE users DROP COLUMN onboarded;
