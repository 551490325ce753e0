-- Keeps what a user was before each change, and which migration changed it.
CREATE TABLE user_changes (
    user_id   INTEGER NOT NULL,
    name      VARCHAR(80) NOT NULL,
    team_id   INTEGER NOT NULL,
    migration VARCHAR(200)
);

-- `migrate_audit` says `off` while a step with `disable_audit = true` runs.
CREATE TRIGGER users_changed AFTER UPDATE OF name, team_id ON users
WHEN (SELECT audit FROM migrate_audit) = 'on'
BEGIN
    INSERT INTO user_changes (user_id, name, team_id, migration)
    SELECT OLD.id, OLD.name, OLD.team_id, migration FROM migrate_audit;
END;
