//! Taking the lock away from its holder by hand, and putting its rows back when they were lost.

use crate::dialect::{before_begin, begin, clock_micros};
use crate::ledger::Tables;
use crate::session::Session;

/// Takes the lock away from the holder that was seen with this token: the token grows, so that
/// it cannot commit. The token that now stands there; `None` when the lock changed hands meanwhile.
///
/// The lease is then over but not free, and its session is still named, so that whoever comes
/// next ends that first, should this process not get to [`forget`].
pub(crate) async fn revoke(
    session: &mut dyn Session,
    tables: &Tables,
    seen: i64,
) -> sqlx::Result<Option<i64>> {
    let database = tables.database();
    let next = next_token(session, tables).await?;
    let sql = format!(
        "{first}{begin}; UPDATE {lease} SET token = {next}, expires_at = {clock}, \
         progress_at = NULL, activity = NULL WHERE id = 1 AND token = {seen}; \
         UPDATE {lock} SET token = {next} WHERE id = 1 AND token = {seen}",
        first = first(tables),
        begin = begin(database),
        lease = tables.lease(),
        lock = tables.lock(),
        clock = clock_micros(database),
    );
    let changed = match session.script(sql).await {
        Ok(counts) => Ok(counts.iter().rev().take(2).all(|rows| *rows == 1)),
        Err(failed) => Err(failed.error),
    };
    let end = if matches!(changed, Ok(true)) {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    let ended = session.script(end.to_owned()).await;
    match (changed?, ended) {
        (true, Ok(_)) => Ok(Some(next)),
        (true, Err(failed)) => Err(failed.error),
        (false, _) => Ok(None),
    }
}

/// Frees a lock that was revoked and whose session is gone.
pub(crate) async fn forget(
    session: &mut dyn Session,
    tables: &Tables,
    token: i64,
) -> sqlx::Result<()> {
    // In this order: a name without a session is harmless, a free lock with a live one is not.
    let sql = format!(
        "UPDATE {} SET holder = '', session = '' WHERE id = 1 AND token = {token}; \
         UPDATE {} SET expires_at = NULL WHERE id = 1 AND token = {token}",
        tables.lock(),
        tables.lease(),
    );
    let result = session.script(sql).await;
    result.map(drop).map_err(|failed| failed.error)
}

/// The session that the lock's row names, whatever became of the other row; empty where there is
/// none.
pub(crate) async fn named_session(
    session: &mut dyn Session,
    tables: &Tables,
) -> sqlx::Result<String> {
    let sql = format!("SELECT session FROM {} WHERE id = 1", tables.lock());
    let rows = session.query(&sql, &[]).await?;
    let named = rows.first().and_then(|row| row.text(0));
    Ok(named.unwrap_or_default().to_owned())
}

/// Puts the lock's rows back when they were lost or changed by hand.
pub(crate) async fn repair(session: &mut dyn Session, tables: &Tables) -> sqlx::Result<()> {
    let (lock, lease) = (tables.lock(), tables.lease());
    let next = next_token(session, tables).await?;
    let whole = format!(
        "{first}{begin}; DELETE FROM {lease}; DELETE FROM {lock}; \
         INSERT INTO {lock} (id, token, holder, session) VALUES (1, {next}, '', ''); \
         INSERT INTO {lease} (id, token) VALUES (1, {next}); COMMIT",
        first = first(tables),
        begin = begin(tables.database()),
    );
    match session.script(whole).await {
        Ok(_) => Ok(()),
        Err(failed) => {
            let _ = session.script("ROLLBACK".to_owned()).await;
            Err(failed.error)
        }
    }
}

fn first(tables: &Tables) -> String {
    before_begin(tables.database())
        .map(|sql| format!("{sql}; "))
        .unwrap_or_default()
}

/// A token higher than any that left a trace; the gap is for holders that took a lock since lost
/// and have written nothing.
async fn next_token(session: &mut dyn Session, tables: &Tables) -> sqlx::Result<i64> {
    const GAP: i64 = 1000;
    let traces = [
        (tables.lock(), "token"),
        (tables.lease(), "token"),
        (tables.steps(), "fence"),
        (tables.runs(), "fence"),
    ]
    .map(|(table, column)| format!("SELECT MAX({column}) AS token FROM {table}"))
    .join(" UNION ALL ");
    let sql = format!("SELECT COALESCE(MAX(token), 0) FROM ({traces}) traces");
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or(0) + GAP)
}
