-- migrate: up
CREATE TABLE users (
    id    INTEGER PRIMARY KEY,
    email VARCHAR(190) NOT NULL UNIQUE
);
-- migrate: down
DROP TABLE users;
