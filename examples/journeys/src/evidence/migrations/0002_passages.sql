-- migrate: up
CREATE TABLE passages (
    id        INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL,
    body      VARCHAR(2000) NOT NULL,
    FOREIGN KEY (source_id) REFERENCES sources (id) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE passages;
