-- What a conversation of a journey should come to speak of.
-- migrate: after = ["journeys.0001_initial"]
-- migrate: up
CREATE TABLE conversation_points (
    slug    VARCHAR(60) PRIMARY KEY,
    journey VARCHAR(60) NOT NULL,
    title   VARCHAR(200) NOT NULL,
    FOREIGN KEY (journey) REFERENCES journeys (slug) ON DELETE CASCADE
);
-- migrate: down
DROP TABLE conversation_points;
