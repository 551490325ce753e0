-- migrate: run = "lower_emails_2026_11_20"
SELECT 1;
