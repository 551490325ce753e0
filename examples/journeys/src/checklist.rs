//! What must work after every change of the history: the service's whole day, in order.

use std::error::Error;

use migrate_core::{Migrator, Target};

use crate::{Database, MIGRATIONS, evidence, journeys, llmchat, memory, users};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Goes through the list on a migrated database and calls `tick` with each item that holds. The
/// rows that it makes are gone again at the end.
///
/// # Errors
///
/// The first item that does not hold, and why.
pub async fn go_through(url: &str, tick: impl Fn(&str)) -> Result {
    every_migration_is_applied(url).await?;
    tick("every migration is applied");
    let mut database = Database::connect(url).await?;
    let database = &mut database;

    let user = users::create(database, "ada@example.com", "Ada").await?;
    tick("a user can be created");
    let questions = journeys::questions(database, "diabetes").await?;
    let answers: Vec<(i64, &str)> = questions.iter().map(|(at, _)| (*at, "yes")).collect();
    ensure(answers.len() == 2, "the journey has its two questions")?;
    journeys::onboard(database, user, "diabetes", &answers).await?;
    tick("a user can go through the onboarding of a journey");
    let conversation = conversation(database, user).await?;
    tick("a conversation is created and keeps its messages and checkpoints");
    let points = memory::points(database, "diabetes").await?;
    ensure(points.len() == 2, "the journey has its two points")?;
    tick("conversation points are loaded and displayed");
    let (point, _) = &points[0];
    memory::extract(database, user, conversation, point, "cooks on Sundays").await?;
    ensure(database.count("addressed_points").await? == 1, "one point")?;
    tick("memory extraction updates the points that were addressed");

    llmchat::delete(database, conversation).await?;
    for table in ["messages", "addressed_points"] {
        empty(database, table).await?;
    }
    tick("a conversation can be deleted with what belongs to it");
    users::delete(database, user).await?;
    for table in ["answers", "memories"] {
        empty(database, table).await?;
    }
    tick("a user can be deleted with everything of theirs");
    let source = evidence::add(database, "A guide", "Eat slowly.").await?;
    evidence::delete(database, source).await?;
    empty(database, "passages").await?;
    tick("evidence can be added and deleted with its passages");
    for table in ["DELETE FROM checkpoints", "DELETE FROM store"] {
        let clear = sqlx::query(table);
        clear.execute(&mut database.connection).await?;
    }
    Ok(())
}

async fn every_migration_is_applied(url: &str) -> Result {
    let status = Migrator::new(Target::from_url(url)?, &MIGRATIONS)
        .status()
        .await?;
    ensure(status.pending == 0, "nothing is pending")
}

async fn conversation(database: &mut Database, user: i64) -> Result<i64> {
    let opening = journeys::opening(database, "diabetes").await?;
    let conversation = llmchat::begin(database, user, "diabetes", &opening).await?;
    llmchat::say(database, conversation, "user", "The stairs.").await?;
    let messages = llmchat::length(database, conversation).await?;
    ensure(messages == 2, "both messages are kept")?;
    let checkpoints = database.count("checkpoints").await?;
    ensure(checkpoints == 2, "each message has its checkpoint")?;
    Ok(conversation)
}

async fn empty(database: &mut Database, table: &str) -> Result {
    let rows = database.count(table).await?;
    ensure(rows == 0, &format!("{table} has {rows} rows left"))
}

fn ensure(holds: bool, what: &str) -> Result {
    if holds {
        return Ok(());
    }
    Err(format!("this does not hold: {what}").into())
}
