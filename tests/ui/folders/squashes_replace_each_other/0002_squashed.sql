-- migrate: replaces = ["0001_initial", "0003_squashed"]
CREATE TABLE users (id int);
