//! What SQL alone cannot say, or should not do at once.
//!
//! `Portable` functions run on every database; one that needs a database's own types would take
//! `Context<'_, sqlx::Postgres>` and use sqlx as anywhere else.

use migrate_core::{Context, Portable, Result, StepError, Value, data_migration};

/// Gives every name its capitals: `ada LOVELACE` becomes `Ada Lovelace`.
// A correction of typing is no change that somebody made, so it stays out of the audit log.
#[data_migration(
    after = ["0003_audit_log"],
    disable_audit = true,
    verify = every_name_is_tidy,
)]
async fn tidy_names_v1_2026_11_20(cx: &mut Context<'_, Portable>) -> Result<u64> {
    let mut tidied = 0;
    for user in cx.query("SELECT id, name FROM users", &[]).await? {
        let name = user.text(1).unwrap_or_default();
        let tidy = capitalised(name);
        if tidy != name {
            let values = [tidy.into(), user.int(0).into()];
            tidied += cx
                .execute("UPDATE users SET name = ? WHERE id = ?", &values)
                .await?;
        }
    }
    Ok(tidied)
}

/// Runs in the same transaction: if it fails, nothing of the step stays.
async fn every_name_is_tidy(cx: &mut Context<'_, Portable>) -> Result<()> {
    for user in cx.query("SELECT name FROM users", &[]).await? {
        let name = user.text(0).unwrap_or_default();
        if name != capitalised(name) {
            return Err(StepError::msg(format!("`{name}` is still untidy")));
        }
    }
    Ok(())
}

fn capitalised(name: &str) -> String {
    let words = name.split_whitespace().map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(char::to_uppercase);
        let rest = letters.as_str().to_lowercase();
        first.into_iter().flatten().collect::<String>() + &rest
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Fills `email_key`, 500 users at a time.
// Not atomic: each batch commits by itself, so that nobody waits for the whole table. Only empty
// keys are filled, so that a run after an interruption goes on where the last one stopped.
#[data_migration(after = ["0004_email_key"], atomic = false)]
async fn fill_email_keys_2026_11_20(cx: &mut Context<'_, Portable>) -> Result<u64> {
    // By key, never by OFFSET, which reads all the rows before it again.
    const END_OF_BATCH: &str =
        "SELECT MAX(id) FROM (SELECT id FROM users WHERE id > ? ORDER BY id LIMIT 500) AS batch";
    const FILL: &str = "UPDATE users SET email_key = LOWER(email) \
                        WHERE id > ? AND id <= ? AND email_key IS NULL";

    let empty = "SELECT COUNT(*) FROM users WHERE email_key IS NULL";
    let total = number(cx, empty, &[]).await?.map(i64::unsigned_abs);
    let (mut filled, mut last) = (0, 0);
    while let Some(end) = number(cx, END_OF_BATCH, &[last.into()]).await? {
        filled += cx.execute(FILL, &[last.into(), end.into()]).await?;
        cx.progress(filled, total);
        last = end;
    }
    Ok(filled)
}

/// Moves the people of each closed team to the smallest open one, and deletes the team.
// Manual, because it makes sense only after `0006_close_two_teams` has said which teams those are;
// that step runs it.
#[data_migration(manual, after = ["0005_unique_email_key"])]
async fn dissolve_closed_teams_2026_11_20(cx: &mut Context<'_, Portable>) -> Result<String> {
    const CLOSED: &str = "SELECT id, name FROM teams WHERE closed = 1 ORDER BY id";
    const SMALLEST_OPEN: &str = "SELECT t.id FROM teams t LEFT JOIN users u ON u.team_id = t.id \
                                 WHERE t.closed = 0 GROUP BY t.id ORDER BY COUNT(u.id), t.id LIMIT 1";

    let mut moved = 0;
    for team in cx.query(CLOSED, &[]).await? {
        let (closed, name) = (team.int(0), team.text(1).unwrap_or_default());
        let open = number(cx, SMALLEST_OPEN, &[])
            .await?
            .ok_or_else(|| StepError::msg("no team is open"))?;
        let values = [open.into(), closed.into()];
        let people = cx
            .execute("UPDATE users SET team_id = ? WHERE team_id = ?", &values)
            .await?;
        cx.execute("DELETE FROM teams WHERE id = ?", &[closed.into()])
            .await?;
        // A real service would write to these people, and ask `cx.dry_run()` before it does.
        cx.log(format!("{name}: {people} people move to team {open}"));
        moved += people;
    }
    Ok(format!("{moved} people have a new team"))
}

/// The integer in the first column of the only row.
async fn number(
    cx: &mut Context<'_, Portable>,
    sql: &str,
    values: &[Value],
) -> Result<Option<i64>> {
    let rows = cx.query(sql, values).await?;
    Ok(rows.first().and_then(|row| row.int(0)))
}
