-- migrate: replaces = ["0002_index", "0003_no_index"]
CREATE TABLE users (id int);
