-- migrate: replaces = ["0001_initial", "users.0001_initial"]
CREATE TABLE users (id int);
