-- migrate: replaces = ["0001_initial", "index"]
CREATE TABLE users (id int);
