-- Keeps what a user was before each change, and which migration changed it.
CREATE TABLE user_changes (
    user_id   INTEGER NOT NULL,
    name      VARCHAR(80) NOT NULL,
    team_id   INTEGER NOT NULL,
    migration VARCHAR(200)
);

-- `@migrate_audit` is `off` while a step with `disable_audit = true` runs.
-- BINARY, because to the default collation `ADA` and `Ada` are the same name.
CREATE TRIGGER users_changed AFTER UPDATE ON users FOR EACH ROW
BEGIN
    IF COALESCE(@migrate_audit, 'on') <> 'off'
        AND (BINARY OLD.name <> NEW.name OR OLD.team_id <> NEW.team_id)
    THEN
        INSERT INTO user_changes (user_id, name, team_id, migration)
        VALUES (OLD.id, OLD.name, OLD.team_id, @migrate_migration);
    END IF;
END;
