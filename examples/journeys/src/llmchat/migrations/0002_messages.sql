-- migrate: up
CREATE TABLE messages (
    conversation_id INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    author          VARCHAR(20) NOT NULL,
    body            VARCHAR(2000) NOT NULL,
    PRIMARY KEY (conversation_id, position),
    FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE messages;
