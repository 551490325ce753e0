-- The form of an address by which two of them are compared; filled by `fill_email_keys`.
ALTER TABLE users ADD COLUMN email_key VARCHAR(120);
