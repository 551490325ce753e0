-- migrate: replaces = ["0001_initial", "0002_index", "0003_b"]
CREATE TABLE users (id int);
