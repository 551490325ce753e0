-- migrate: replaces = ["0001_initial", "0002_index"]
CREATE TABLE users (id int);
