-- The points that a conversation has come to.
-- migrate: after = ["0001_initial", "llmchat.0001_initial"]
-- migrate: up
CREATE TABLE addressed_points (
    conversation_id INTEGER NOT NULL,
    point           VARCHAR(60) NOT NULL,
    PRIMARY KEY (conversation_id, point),
    FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    FOREIGN KEY (point) REFERENCES conversation_points (slug) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE addressed_points;
