-- migrate: replaces = ["0001_initial", "0002_index"]
CREATE TABLE t (a int);
