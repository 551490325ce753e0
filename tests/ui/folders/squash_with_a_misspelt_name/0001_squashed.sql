-- migrate: replaces = ["0001_initial", "0002_indx"]
CREATE TABLE users (id int);
