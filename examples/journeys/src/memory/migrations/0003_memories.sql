-- migrate: after = ["0002_addressed", "users.0001_initial"]
-- migrate: up
CREATE TABLE memories (
    user_id  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    body     VARCHAR(500) NOT NULL,
    PRIMARY KEY (user_id, position),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE memories;
