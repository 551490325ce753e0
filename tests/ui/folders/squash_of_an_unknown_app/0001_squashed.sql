-- migrate: replaces = ["0001_initial", "user.0002_index"]
CREATE TABLE users (id int);
