-- migrate: replaces = ["0001_initial", "0002_squashed"]
CREATE TABLE users (id int);
