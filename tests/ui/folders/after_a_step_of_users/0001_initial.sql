-- migrate: after = "users.0001_initial"
CREATE TABLE memory (id int);
