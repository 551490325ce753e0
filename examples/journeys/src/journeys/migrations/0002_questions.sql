-- migrate: up
CREATE TABLE questions (
    journey  VARCHAR(60) NOT NULL,
    position INTEGER NOT NULL,
    body     VARCHAR(300) NOT NULL,
    PRIMARY KEY (journey, position),
    FOREIGN KEY (journey) REFERENCES journeys (slug) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE questions;
