//! Conversations, and where the language model keeps the state of each.

mod checkpointer;

use crate::Database;

/// Begins a conversation with what the journey says first, and answers with its id.
pub(crate) async fn begin(
    database: &mut Database,
    user: i64,
    journey: &str,
    opening: &str,
) -> sqlx::Result<i64> {
    let id = database.next("SELECT MAX(id) FROM conversations").await?;
    let sql = database.sql("INSERT INTO conversations (id, user_id, journey) VALUES (?, ?, ?)");
    let insert = sqlx::query(sql).bind(id).bind(user).bind(journey);
    insert.execute(&mut database.connection).await?;
    say(database, id, "service", opening).await?;
    Ok(id)
}

/// Adds a message, and a checkpoint of the model's state behind it.
pub(crate) async fn say(
    database: &mut Database,
    conversation: i64,
    author: &str,
    body: &str,
) -> sqlx::Result<()> {
    let sql = database.sql(
        "INSERT INTO messages (conversation_id, position, author, body)
         SELECT ?, COUNT(*) + 1, ?, ? FROM messages WHERE conversation_id = ?",
    );
    let insert = sqlx::query(sql).bind(conversation).bind(author).bind(body);
    let insert = insert.bind(conversation);
    insert.execute(&mut database.connection).await?;
    let sql = database.sql(
        "INSERT INTO checkpoints (thread, position, state)
         SELECT ?, COUNT(*) + 1, ? FROM checkpoints WHERE thread = ?",
    );
    let insert = sqlx::query(sql).bind(conversation).bind(body);
    let insert = insert.bind(conversation);
    insert.execute(&mut database.connection).await.map(drop)
}

/// How many messages a conversation has.
pub(crate) async fn length(database: &mut Database, conversation: i64) -> sqlx::Result<i64> {
    let sql = database.sql("SELECT COUNT(*) FROM messages WHERE conversation_id = ?");
    let count = sqlx::query_scalar(sql).bind(conversation);
    count.fetch_one(&mut database.connection).await
}

/// Deletes a conversation with its checkpoints, and by the foreign keys what belongs to it.
pub(crate) async fn delete(database: &mut Database, conversation: i64) -> sqlx::Result<()> {
    // The library that made their table knows nothing of conversations.
    for text in [
        "DELETE FROM checkpoints WHERE thread = ?",
        "DELETE FROM conversations WHERE id = ?",
    ] {
        let delete = sqlx::query(database.sql(text)).bind(conversation);
        delete.execute(&mut database.connection).await?;
    }
    Ok(())
}
