-- Keeps what a user was before each change, and which migration changed it.
CREATE TABLE user_changes (
    user_id   INTEGER NOT NULL,
    name      VARCHAR(80) NOT NULL,
    team_id   INTEGER NOT NULL,
    migration VARCHAR(200)
);

-- The setting `migrate.audit` is `off` while a step with `disable_audit = true` runs.
CREATE FUNCTION log_user_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('migrate.audit', true) IS DISTINCT FROM 'off' THEN
        INSERT INTO user_changes (user_id, name, team_id, migration)
        VALUES (OLD.id, OLD.name, OLD.team_id, nullif(current_setting('migrate.migration', true), ''));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER users_changed AFTER UPDATE OF name, team_id ON users
FOR EACH ROW EXECUTE FUNCTION log_user_change();
