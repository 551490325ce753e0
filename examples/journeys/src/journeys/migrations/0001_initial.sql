-- migrate: up
CREATE TABLE journeys (
    slug  VARCHAR(60) PRIMARY KEY,
    title VARCHAR(120) NOT NULL
);
-- migrate: down
DROP TABLE journeys;
