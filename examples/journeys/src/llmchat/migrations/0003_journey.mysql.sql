-- The journey that a conversation belongs to.
-- migrate: after = ["0002_messages", "journeys.0001_initial"]
-- migrate: up
ALTER TABLE conversations ADD COLUMN journey VARCHAR(60) NOT NULL DEFAULT '';
CREATE INDEX conversations_by_journey ON conversations (journey);
-- migrate: down
-- An index belongs to its table here, and goes with its last column.
ALTER TABLE conversations DROP COLUMN journey;
