//! Who uses the service.

use migrate_core::{Context, Portable, Result, data_migration};

use crate::Database;

/// Lower-cases every address.
// A database made anew has none to lower, so a squash may drop this.
#[data_migration(app = "users", after = ["0001_initial"], reverse = leave_emails, elidable)]
async fn lower_emails_v1_2025_01_14(cx: &mut Context<'_, Portable>) -> Result<u64> {
    let lower = "UPDATE users SET email = LOWER(email)";
    Ok(cx.execute(lower, &[]).await?)
}

/// How an address was written before is not known any more, and does no harm.
async fn leave_emails(_: &mut Context<'_, Portable>) -> Result<()> {
    Ok(())
}

/// Creates a user and answers with the id.
pub(crate) async fn create(database: &mut Database, email: &str, name: &str) -> sqlx::Result<i64> {
    let id = database.next("SELECT MAX(id) FROM users").await?;
    let sql = database.sql("INSERT INTO users (id, email, name) VALUES (?, ?, ?)");
    let insert = sqlx::query(sql).bind(id).bind(email).bind(name);
    insert.execute(&mut database.connection).await?;
    Ok(id)
}

/// Deletes a user, and by the foreign keys everything that is the user's.
pub(crate) async fn delete(database: &mut Database, user: i64) -> sqlx::Result<()> {
    let sql = database.sql("DELETE FROM users WHERE id = ?");
    let delete = sqlx::query(sql).bind(user);
    delete.execute(&mut database.connection).await.map(drop)
}
