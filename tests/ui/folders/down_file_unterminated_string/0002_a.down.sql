DELETE FROM users WHERE name = 'nobody;
