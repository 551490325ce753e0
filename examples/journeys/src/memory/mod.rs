//! What a conversation should come to, what it has come to, and what is remembered of it.

mod store;

use crate::Database;

/// The points of a journey, in order of their titles.
pub(crate) async fn points(
    database: &mut Database,
    journey: &str,
) -> sqlx::Result<Vec<(String, String)>> {
    let sql = database
        .sql("SELECT slug, title FROM conversation_points WHERE journey = ? ORDER BY title");
    sqlx::query_as(sql)
        .bind(journey)
        .fetch_all(&mut database.connection)
        .await
}

/// What an extraction from a message finds: a point that is addressed, and something to remember.
/// Answers with the id of what the store keeps.
pub(crate) async fn extract(
    database: &mut Database,
    user: i64,
    conversation: i64,
    point: &str,
    body: &str,
) -> sqlx::Result<i64> {
    let sql = database.sql("INSERT INTO addressed_points (conversation_id, point) VALUES (?, ?)");
    let insert = sqlx::query(sql).bind(conversation).bind(point);
    insert.execute(&mut database.connection).await?;
    let sql = database.sql(
        "INSERT INTO memories (user_id, position, body)
         SELECT ?, COUNT(*) + 1, ? FROM memories WHERE user_id = ?",
    );
    let insert = sqlx::query(sql).bind(user).bind(body).bind(user);
    insert.execute(&mut database.connection).await?;
    let id = database.next("SELECT MAX(id) FROM store").await?;
    let sql = database.sql("INSERT INTO store (id, body) VALUES (?, ?)");
    let insert = sqlx::query(sql).bind(id).bind(body);
    insert.execute(&mut database.connection).await?;
    Ok(id)
}

/// Removes something from the store.
pub(crate) async fn forget(database: &mut Database, kept: i64) -> sqlx::Result<()> {
    let sql = database.sql("DELETE FROM store WHERE id = ?");
    let delete = sqlx::query(sql).bind(kept);
    delete.execute(&mut database.connection).await.map(drop)
}
