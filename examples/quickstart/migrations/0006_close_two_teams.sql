-- Two teams close. Who takes their people is decided in Rust, at the end of this step.
-- migrate: run = "dissolve_closed_teams_2026_11_20"
ALTER TABLE teams ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
UPDATE teams SET closed = 1 WHERE name IN ('Fax', 'Telex');
