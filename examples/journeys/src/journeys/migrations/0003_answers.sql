-- Who answered what while being shown around.
-- migrate: after = ["0002_questions", "users.0001_initial"]
-- migrate: up
CREATE TABLE answers (
    user_id  INTEGER NOT NULL,
    journey  VARCHAR(60) NOT NULL,
    position INTEGER NOT NULL,
    body     VARCHAR(300) NOT NULL,
    PRIMARY KEY (user_id, journey, position),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (journey, position) REFERENCES questions (journey, position) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE answers;
