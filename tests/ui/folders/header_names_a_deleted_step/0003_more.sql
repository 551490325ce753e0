-- Names what is gone.
-- migrate: after = ["0002_index"]
CREATE TABLE u (a int);
