-- Teams and the people in them: one text that every database understands.
CREATE TABLE teams (
    id   INTEGER PRIMARY KEY,
    name VARCHAR(80) NOT NULL
);

CREATE TABLE users (
    id      INTEGER PRIMARY KEY,
    team_id INTEGER NOT NULL,
    name    VARCHAR(80) NOT NULL,
    email   VARCHAR(120) NOT NULL,
    FOREIGN KEY (team_id) REFERENCES teams (id)
);

CREATE INDEX users_by_team ON users (team_id);
