-- migrate: after = ["fill_email_keys_2026_11_20"]
CREATE UNIQUE INDEX users_email_key ON users (email_key);
