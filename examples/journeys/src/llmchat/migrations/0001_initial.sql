-- migrate: after = ["users.0001_initial"]
-- migrate: up
CREATE TABLE conversations (
    id      INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE conversations;
