//! What the service's answers rest on.

use crate::Database;

/// Adds a source with one passage.
pub(crate) async fn add(database: &mut Database, title: &str, passage: &str) -> sqlx::Result<i64> {
    let id = database.next("SELECT MAX(id) FROM sources").await?;
    let sql = database.sql("INSERT INTO sources (id, title, published) VALUES (?, ?, 2024)");
    let insert = sqlx::query(sql).bind(id).bind(title);
    insert.execute(&mut database.connection).await?;
    let sql = database.sql("INSERT INTO passages (id, source_id, body) VALUES (?, ?, ?)");
    let insert = sqlx::query(sql).bind(id).bind(id).bind(passage);
    insert.execute(&mut database.connection).await?;
    Ok(id)
}

/// Deletes a source and its passages.
pub(crate) async fn delete(database: &mut Database, source: i64) -> sqlx::Result<()> {
    let sql = database.sql("DELETE FROM sources WHERE id = ?");
    let delete = sqlx::query(sql).bind(source);
    delete.execute(&mut database.connection).await.map(drop)
}
