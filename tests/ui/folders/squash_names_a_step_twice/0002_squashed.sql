-- migrate: replaces = ["0001_initial", "0001_initial"]
CREATE TABLE users (id int);
