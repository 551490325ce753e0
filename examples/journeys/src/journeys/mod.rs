//! The journeys on offer, and how somebody is shown around at the start of one.

mod load;

use crate::Database;

/// The questions of a journey, in order.
pub(crate) async fn questions(
    database: &mut Database,
    journey: &str,
) -> sqlx::Result<Vec<(i64, String)>> {
    let sql =
        database.sql("SELECT position, body FROM questions WHERE journey = ? ORDER BY position");
    sqlx::query_as(sql)
        .bind(journey)
        .fetch_all(&mut database.connection)
        .await
}

/// Records the answers, and with them that the user has been shown around.
pub(crate) async fn onboard(
    database: &mut Database,
    user: i64,
    journey: &str,
    answers: &[(i64, &str)],
) -> sqlx::Result<()> {
    for (position, body) in answers {
        let sql = database
            .sql("INSERT INTO answers (user_id, journey, position, body) VALUES (?, ?, ?, ?)");
        let insert = sqlx::query(sql).bind(user).bind(journey);
        let insert = insert.bind(*position).bind(*body);
        insert.execute(&mut database.connection).await?;
    }
    let sql = database.sql("UPDATE users SET onboarded = 1 WHERE id = ?");
    let update = sqlx::query(sql).bind(user);
    update.execute(&mut database.connection).await.map(drop)
}

/// What the service says first in a conversation of a journey.
pub(crate) async fn opening(database: &mut Database, journey: &str) -> sqlx::Result<String> {
    let sql = database.sql("SELECT opening FROM journeys WHERE slug = ?");
    let select = sqlx::query_scalar(sql).bind(journey);
    select.fetch_one(&mut database.connection).await
}
