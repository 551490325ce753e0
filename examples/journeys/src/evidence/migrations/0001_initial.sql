-- migrate: after = ["users.0001_initial"]
-- migrate: up
CREATE TABLE sources (
    id       INTEGER PRIMARY KEY,
    added_by INTEGER,
    title    VARCHAR(200) NOT NULL,
    FOREIGN KEY (added_by) REFERENCES users (id) ON DELETE SET NULL
);
-- migrate: down
DROP TABLE sources;
